package eni

import (
	"errors"
	"net/http"
	"os"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// documented is one row of the table of error codes on the API's page.
type documented struct {
	status int
	code   string
}

func documentedCodes(t *testing.T) []documented {
	t.Helper()
	data, err := os.ReadFile("testdata/modify_error_codes.txt")
	if err != nil {
		t.Fatal(err)
	}
	var rows []documented
	for line := range strings.Lines(string(data)) {
		if strings.HasPrefix(line, "#") {
			continue
		}
		status, code, ok := strings.Cut(strings.TrimSpace(line), " ")
		n, err := strconv.Atoi(status)
		if !ok || err != nil {
			t.Fatalf("row %q", line)
		}
		rows = append(rows, documented{n, code})
	}
	if len(rows) != 61 {
		t.Fatalf("%d rows, want 61", len(rows))
	}
	return rows
}

func TestEveryCodeOfTheAPIsPageIsKnownWithItsStatus(t *testing.T) {
	for _, row := range documentedCodes(t) {
		if c, ok := LookUp(row.status, row.code); !ok || c.Name != row.code || c.HTTPStatus != row.status {
			t.Errorf("HTTP %d %s: found %+v, %v", row.status, row.code, c, ok)
		}
	}
}

func TestEveryKnownCodeSaysWhatItMeansAndWhatToDo(t *testing.T) {
	type key struct {
		status int
		code   string
	}
	seen := make(map[key]bool)
	for _, c := range Codes() {
		if k := (key{c.HTTPStatus, c.Name}); seen[k] {
			t.Errorf("%v is there twice", k)
		} else {
			seen[k] = true
		}
		if c.Class.sentinel() == nil || c.Meaning == "" || c.Remedy == "" {
			t.Errorf("%s: class %v, meaning %q, remedy %q", c.Name, c.Class, c.Meaning, c.Remedy)
		}
		for _, text := range []string{c.Meaning, c.Remedy} {
			if strings.HasSuffix(text, ".") || strings.Contains(text, "\n") || strings.TrimSpace(text) != text {
				t.Errorf("%s: %q", c.Name, text)
			}
		}
	}
}

func TestTheTableAndTheFallbackAgreeOnWhatIsRetriedAndWhatIsDenied(t *testing.T) {
	for _, c := range Codes() {
		if c.Name == "SignatureNonceUsed" {
			continue
		}
		guess := classOf(c.HTTPStatus, c.Name)
		if guess.retryable() != c.Class.retryable() || guess == ClassThrottled && c.Class != ClassThrottled {
			t.Errorf("HTTP %d %s: %v, the fallback says %v", c.HTTPStatus, c.Name, c.Class, guess)
		}
	}
}

func TestCodesAreFoundByStatusAndFamily(t *testing.T) {
	for _, tt := range []struct {
		status int
		code   string
		want   string // what is found, "" for nothing
		class  Class
	}{
		{400, "InvalidOperation.InvalidEniState", "400 InvalidOperation.InvalidEniState", ClassState},
		{403, "InvalidOperation.InvalidEniState", "403 InvalidOperation.InvalidEniState", ClassState},
		{500, "InvalidOperation.InvalidEniState", "400 InvalidOperation.InvalidEniState", ClassState},
		{400, "Throttling.User", "400 Throttling", ClassThrottled},
		{400, "InvalidSecurityToken.New", "400 InvalidSecurityToken", ClassCredentials},
		{400, "InvalidParameter.New", "", 0},
		{400, "", "", 0},
		{400, ".", "", 0},
	} {
		c, ok := LookUp(tt.status, tt.code)
		got := ""
		if ok {
			got = strconv.Itoa(c.HTTPStatus) + " " + c.Name
		}
		if got != tt.want || c.Class != tt.class {
			t.Errorf("HTTP %d %s: %s %v, want %s %v", tt.status, tt.code, got, c.Class, tt.want, tt.class)
		}
	}
}

func TestEveryDocumentedCodeReachesTheOperatorWithItsClassMeaningAndRemedy(t *testing.T) {
	setCredentials(t)
	for _, row := range documentedCodes(t) {
		c := newClient(t, ClientOptions{Attempts: 1}, handlerTransport{answers(answer{row.status, refusalBody(row.code, "The words of the cloud.")})})
		err := c.Modify(t.Context(), "eni-1", Modification{QueueNumber: new(8)})
		known, _ := LookUp(row.status, row.code)
		if errors.Is(err, ErrAmbiguous) { // InternalError: the read that follows fails too
			if row.status < 500 {
				t.Errorf("%s is ambiguous", row.code)
			}
			continue
		}
		e, ok := errors.AsType[*Error](err)
		if !ok || e.Class != known.Class || !errors.Is(err, known.Class.sentinel()) {
			t.Errorf("%s: %v", row.code, err)
			continue
		}
		for _, part := range []string{row.code, "The words of the cloud", "request id RID-1", known.Meaning, strings.ReplaceAll(known.Remedy, "{action}", "ModifyNetworkInterfaceAttribute")} {
			if !strings.Contains(e.Error(), part) {
				t.Errorf("%s lacks %q in: %v", row.code, part, e)
			}
		}
	}
}

func TestAnUnknownCodeShowsWhatTheCloudSaysAndRecommends(t *testing.T) {
	setCredentials(t)
	c := newClient(t, ClientOptions{}, handlerTransport{answers(answer{http.StatusConflict, refusalBody("InvalidOperation.OfNextYear", "Not today.")})})
	err := c.Modify(t.Context(), "eni-1", Modification{QueueNumber: new(8)})
	const want = "ModifyNetworkInterfaceAttribute: InvalidOperation.OfNextYear: Not today (invalid, HTTP 409, request id RID-1); see https://help.example/x"
	if d := cmp.Diff(want, errText(err)); d != "" {
		t.Errorf("(-want +got):\n%s", d)
	}
}

func TestRefusalsThatAreNotPossibleNowAreInvalidTooAndDifferAmongThemselves(t *testing.T) {
	classes := []Class{ClassRetry, ClassState, ClassQuota, ClassUnsupported}
	for _, c := range classes {
		err := error(&Error{Action: "A", Class: c})
		if !errors.Is(err, ErrInvalid) {
			t.Errorf("%v is not ErrInvalid", c)
		}
		for _, other := range classes {
			if errors.Is(err, other.sentinel()) != (c == other) {
				t.Errorf("%v and %v", c, other)
			}
		}
	}
	if errors.Is(&Error{Class: ClassDenied}, ErrInvalid) {
		t.Error("denied is invalid")
	}
}

func TestADenialOfAnyShapeLeavesAReadableError(t *testing.T) {
	setCredentials(t)
	for _, tt := range []struct{ name, detail, want string }{
		{"none", `null`, "; the credentials lack this permission; grant ecs:TagResources to the RAM role"},
		{"text", `"no"`, "; the credentials lack this permission; grant ecs:TagResources to the RAM role"},
		{"nothing in it", `{"EncodedDiagnosticMessage":"AQEAAAAA"}`, "; the credentials lack this permission; grant ecs:TagResources to the RAM role"},
		{"numbers", `{"AuthAction":"ecs:TagResources","AuthPrincipalDisplayName":2077,"NoPermissionType":[1]}`, "; denied ecs:TagResources for 2077; "},
		{"explicit", `{"AuthAction":"ecs:TagResources","NoPermissionType":"ExplicitDeny"}`, "remove that Deny statement"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			body := `{"RequestId":"R","Code":"Forbidden.RAM","Message":"No.","AccessDeniedDetail":` + tt.detail + `}`
			c := newClient(t, ClientOptions{}, handlerTransport{answers(answer{403, body})})
			err := c.Tag(t.Context(), "eni-1", map[string]string{"a": "b"})
			checkIs(t, err, ErrDenied)
			if !strings.Contains(errText(err), tt.want) || strings.Contains(errText(err), "AQEA") {
				t.Errorf("%v\nwant %s", err, tt.want)
			}
		})
	}
}

// FuzzRefusal: whatever an error answer holds, the error is one bounded line.
func FuzzRefusal(f *testing.F) {
	f.Add(403, []byte(`{"Code":"Forbidden.RAM","Message":"m","AccessDeniedDetail":{"AuthAction":"ecs:TagResources","AuthPrincipalDisplayName":7}}`))
	f.Add(400, []byte(`{"Code":"InvalidParameter","Recommend":"https://x"}`))
	f.Fuzz(func(t *testing.T, status int, body []byte) {
		e := refusal("A", &http.Response{StatusCode: status, Header: http.Header{}}, body, secrets{canarySecret})
		if text := e.Error(); strings.ContainsAny(text, "\n\r\x00\x1b") || len(text) > 4000 {
			t.Errorf("not one bounded line: %q", text)
		}
		if e.Class.sentinel() == nil {
			t.Errorf("class %v", e.Class)
		}
	})
}
