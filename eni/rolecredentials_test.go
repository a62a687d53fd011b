package eni

import (
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/enitune/enitune/internal/ecssim"
)

// newRoleClient makes a client whose only credentials are those of a role that h,
// in front of a simulated metadata service, gives; the API accepts them.
func newRoleClient(t *testing.T, cloud *ecssim.Cloud, h func(w http.ResponseWriter, r *http.Request, next http.Handler)) *Client {
	t.Helper()
	noCredentials(t)
	t.Setenv("ALIBABA_CLOUD_ECS_METADATA_DISABLED", "")
	metadata := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { h(w, r, cloud.Metadata()) }))
	t.Cleanup(metadata.Close)
	api := httptest.NewServer(cloud.ECS())
	t.Cleanup(api.Close)
	cloud.SetRole("enitune")
	return newClient(t, ClientOptions{Endpoint: api.URL, MetadataURL: metadata.URL, Attempts: 1}, nil)
}

func TestARoleThatIsNoneGivesNoCredentials(t *testing.T) {
	elsewhere := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { t.Errorf("%s was followed", r.URL) }))
	t.Cleanup(elsewhere.Close)
	text := func(body string) http.HandlerFunc {
		return func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, body) }
	}
	const role = "/security-credentials/enitune"
	for _, tt := range []struct {
		name, path string
		answer     http.HandlerFunc
		want       string
	}{
		{"a name that is a page", "/security-credentials/", text("<html>log in</html>"), "did not give the RAM role's name: metadata meta-data/ram/security-credentials/: want one word"},
		{"a name without end", "/security-credentials/", func(w http.ResponseWriter, _ *http.Request) {
			for chunk := strings.Repeat("x", 1<<16); ; {
				if _, err := io.WriteString(w, chunk); err != nil {
					return
				}
			}
		}, "reply too large"},
		{"a redirect", role, func(w http.ResponseWriter, r *http.Request) {
			http.Redirect(w, r, elsewhere.URL, http.StatusTemporaryRedirect)
		}, "gave no credentials for the RAM role: metadata meta-data/ram/security-credentials/enitune: the service answered temporary redirect"},
		{"not JSON", role, text(canarySecret), "the reply cannot be read"},
		{"null", role, text("null"), "the reply does not say Success"},
		{"a number for a secret", role, text(`{"Code":"Success","AccessKeyId":"STS.1","AccessKeySecret":4711}`), "the reply cannot be read"},
		{"no secret", role, text(`{"Code":"Success","AccessKeyId":"STS.1","SecurityToken":"` + canaryToken + `","Expiration":"2999-01-01T00:00:00Z"}`), "the reply is incomplete"},
		{"no end", role, text(`{"Code":"Success","AccessKeyId":"STS.1","AccessKeySecret":"` + canarySecret + `","SecurityToken":"` + canaryToken + `"}`), "the reply is incomplete"},
		{"a refusal", role, text(`{"Code":"AssumeRoleUnauthorized","Message":"x"}`), "the reply does not say Success"},
		{"an error", role, func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusBadGateway) }, "HTTP 502"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			c := newRoleClient(t, newCloud(), func(w http.ResponseWriter, r *http.Request, next http.Handler) {
				if strings.HasSuffix(r.URL.Path, tt.path) {
					tt.answer(w, r)
					return
				}
				next.ServeHTTP(w, r)
			})
			err := listOwn(t.Context(), c)
			checkIs(t, err, ErrCredentials)
			if !strings.Contains(errText(err), tt.want) {
				t.Errorf("%v\nwant %q in it", err, tt.want)
			}
			mustNotLeak(t, errText(err))
		})
	}
}

func TestCredentialsThatCannotBeRenewedAreUsedUntilTheirEnd(t *testing.T) {
	down := false
	cloud := ecssim.New(ecssim.Options{CredentialLifetime: time.Minute}) // shorter than the margin
	cloud.SetInstance(ecssim.Instance{ID: "i-1", Region: "cn-hangzhou"})
	c := newRoleClient(t, cloud, func(w http.ResponseWriter, r *http.Request, next http.Handler) {
		if down {
			w.WriteHeader(http.StatusServiceUnavailable)
			return
		}
		next.ServeHTTP(w, r)
	})
	checkIs(t, listOwn(t.Context(), c), nil)
	down = true
	checkIs(t, listOwn(t.Context(), c), nil)
	c.credentials.chain.(*defaultChain).inUse.(*roleProvider).ends = time.Now()
	checkIs(t, listOwn(t.Context(), c), ErrCredentials)
}

func TestTheNamedRoleIsAskedForAndADisabledServiceIsNot(t *testing.T) {
	var asked []string
	note := func(w http.ResponseWriter, r *http.Request, next http.Handler) {
		asked = append(asked, r.URL.Path)
		next.ServeHTTP(w, r)
	}
	c := newRoleClient(t, newCloud(), note)
	t.Setenv("ALIBABA_CLOUD_ECS_METADATA", "other")
	err := listOwn(t.Context(), c)
	if want := "metadata meta-data/ram/security-credentials/other: the service answered not found"; !strings.Contains(errText(err), want) {
		t.Errorf("%v", err)
	}
	t.Setenv("ALIBABA_CLOUD_ECS_METADATA", "no/role")
	if err := listOwn(t.Context(), c); !strings.Contains(errText(err), "is no name of a RAM role") {
		t.Errorf("%v", err)
	}
	t.Setenv("ALIBABA_CLOUD_ECS_METADATA_DISABLED", "true")
	asked = nil
	checkIs(t, listOwn(t.Context(), c), ErrCredentials)
	if len(asked) > 0 {
		t.Errorf("asked for %v", asked)
	}
}
