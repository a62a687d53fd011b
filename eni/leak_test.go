package eni

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"syscall"
	"testing"
	"testing/synctest"
)

// TestNoFailureLeaksASecret lets the other side quote the signed request back in
// every way it can fail, and looks through all that leaves the package.
func TestNoFailureLeaksASecret(t *testing.T) {
	echo := func(status int, contentType, format string) http.HandlerFunc {
		return func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Content-Type", contentType)
			w.WriteHeader(status)
			_, _ = fmt.Fprintf(w, format, r.URL.String())
		}
	}
	handler := func(h http.HandlerFunc) http.RoundTripper { return handlerTransport{h} }
	for _, tt := range []struct {
		name      string
		transport http.RoundTripper
		want      error
	}{
		{"transport error with the URL", transportFunc(func(r *http.Request) (*http.Response, error) {
			return nil, &url.Error{Op: "Post", URL: r.URL.String(), Err: errors.New("tls: bad " + r.URL.RawQuery)}
		}), ErrNetwork},
		{"proxy password", transportFunc(func(*http.Request) (*http.Response, error) {
			return nil, fmt.Errorf("invalid proxy address %q", "http://me:"+canarySecret+"@proxy")
		}), ErrNetwork},
		{"HTML page", handler(echo(200, "text/html", "<html>%s</html>")), ErrMalformed},
		{"HTML error page", handler(echo(403, "text/html", "%s")), ErrMalformed},
		{"server error page", handler(echo(502, "text/html", "%s")), ErrServer},
		{"content type", handler(func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Content-Type", r.URL.RawQuery)
			_, _ = io.WriteString(w, "x")
		}), ErrMalformed},
		{"redirect", handler(func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Location", "http://elsewhere.example"+r.URL.String())
			w.WriteHeader(http.StatusTemporaryRedirect)
		}), ErrMalformed},
		{"error body", handler(echo(400, "application/json", `{"Code":"InvalidParameter","Message":%q,"Recommend":"r"}`)), ErrInvalid},
		{"string to sign", handler(func(w http.ResponseWriter, r *http.Request) {
			w.WriteHeader(400)
			_ = json.NewEncoder(w).Encode(map[string]string{"Code": "SignatureDoesNotMatch",
				"Message": "Specified signature is not matched with our calculation. server string to sign is:POST&%2F&" + url.QueryEscape(r.URL.RawQuery)})
		}), ErrCredentials},
		{"error code", handler(echo(400, "application/json", `{"Code":%q}`)), ErrInvalid},
		{"request id and recommend", handler(func(w http.ResponseWriter, r *http.Request) {
			w.WriteHeader(400)
			_ = json.NewEncoder(w).Encode(map[string]string{"Code": "C", "RequestId": r.URL.String(), "Recommend": r.URL.String()})
		}), ErrInvalid},
		{"numeric code", handler(echo(400, "application/json", `{"Code":400,"Message":%q}`)), ErrMalformed},
		{"message object", handler(echo(400, "application/json", `{"Code":"C","Message":{"a":%q}}`)), ErrMalformed},
		{"no code", handler(echo(400, "application/json", `{"error":%q}`)), ErrMalformed},
		{"another reply", handler(echo(200, "application/json", `{"error":%q}`)), ErrMalformed},
		{"wrong type", handler(func(w http.ResponseWriter, r *http.Request) {
			_, _ = fmt.Fprintf(w, `{"RequestId":%q,"NetworkInterfaceSets":{"NetworkInterfaceSet":%q}}`, r.URL, r.URL.Query().Get("SecurityToken"))
		}), ErrMalformed},
		{"problem of an ENI", handler(func(w http.ResponseWriter, r *http.Request) {
			_, _ = io.WriteString(w, eniReply(fmt.Sprintf(`{"NetworkInterfaceId":"eni-1","MacAddress":%q}`, r.URL.Query().Get("SecurityToken"))))
		}), nil},
	} {
		t.Run(tt.name, func(t *testing.T) {
			setCredentials(t)
			synctest.Test(t, func(t *testing.T) {
				var out bytes.Buffer
				c := newClient(t, ClientOptions{
					OnRequest: func(action, code string) { fmt.Fprintln(&out, action, code) },
					Log:       slog.New(slog.NewJSONHandler(&out, &slog.HandlerOptions{Level: slog.LevelDebug})),
				}, tt.transport)
				err := listOwn(t.Context(), c)
				checkIs(t, err, tt.want)
				if e, ok := errors.AsType[*Error](err); ok {
					_, _ = fmt.Fprintf(&out, "%v\n%+v\n%s\n%s\n%s\n%s", e, errors.Unwrap(e), e.Code, e.Message, e.RequestID, e.Recommend)
					if strings.Contains(e.Error(), "\n") {
						t.Errorf("more than one line: %s", e)
					}
				}
				mustNotLeak(t, out.String())
			})
		})
	}
}

func TestRepliesThatCannotBeReadAreTypedAndQuoteWhatCame(t *testing.T) {
	setCredentials(t)
	for _, tt := range []struct {
		name   string
		answer answer
		want   string
		class  error
	}{
		{"numeric code", answer{400, `{"Code":400,"Message":"x","RequestId":"R"}`},
			"an error reply that cannot be read: Code: want a string, got 400 (malformed, HTTP 400)", ErrMalformed},
		{"truncated JSON", answer{200, `{"NetworkInterfaceSets":{"Net`},
			`want JSON, got application/json: "{'NetworkInterfaceSets':{'Net" (malformed, HTTP 200)`, ErrMalformed},
		{"empty body", answer{200, ""}, "want JSON, got application/json: an empty body (malformed, HTTP 200)", ErrMalformed},
		{"array", answer{200, "[]"}, "want an object, got an array (malformed, HTTP 200)", ErrMalformed},
		{"redirect", answer{302, ""}, "the endpoint redirects, which the ECS API does not, and no redirect is followed (malformed, HTTP 302)", ErrMalformed},
		{"too large", answer{200, strings.Repeat(" ", maxReply+1)}, "reply too large: more than 8388608 bytes (malformed)", ErrMalformed},
	} {
		t.Run(tt.name, func(t *testing.T) {
			c := newClient(t, ClientOptions{}, handlerTransport{answers(tt.answer)})
			err := listOwn(t.Context(), c)
			checkIs(t, err, tt.class)
			if !strings.Contains(errText(err), tt.want) {
				t.Errorf("error %v, want %s", err, tt.want)
			}
		})
	}
}

func TestAReplyThatIsCutOffIsANetworkFailure(t *testing.T) {
	setCredentials(t)
	c := newServer(t, ClientOptions{Attempts: 1}, func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Length", "1000")
		_, _ = io.WriteString(w, `{"NetworkInterfaceSets"`)
	})
	err := listOwn(t.Context(), c)
	checkIs(t, err, ErrNetwork)
	if !errors.Is(err, io.ErrUnexpectedEOF) {
		t.Errorf("%v is not io.ErrUnexpectedEOF", err)
	}
}

func TestARefusedConnectionKeepsTheKernelsReason(t *testing.T) {
	setCredentials(t)
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	address := l.Addr().String()
	_ = l.Close()
	c := newClient(t, ClientOptions{Endpoint: "http://" + address, Attempts: 1}, nil)
	err = listOwn(t.Context(), c)
	checkIs(t, err, ErrNetwork)
	if !errors.Is(err, syscall.ECONNREFUSED) {
		t.Errorf("%v is not ECONNREFUSED", err)
	}
	mustNotLeak(t, errText(err))
}

func TestAnUntrustedCertificateIsRefused(t *testing.T) {
	setCredentials(t)
	s := httptest.NewUnstartedServer(answers(answer{200, emptyPage}))
	s.Config.ErrorLog = slog.NewLogLogger(slog.DiscardHandler, slog.LevelDebug)
	s.StartTLS()
	t.Cleanup(s.Close)
	c := newClient(t, ClientOptions{Endpoint: s.URL, Attempts: 1}, nil)
	err := listOwn(t.Context(), c)
	checkIs(t, err, ErrNetwork)
	if !strings.Contains(errText(err), "certificate") {
		t.Errorf("%v", err)
	}
	mustNotLeak(t, errText(err))
}
