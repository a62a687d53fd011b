package eni

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// serveCredentials makes h the only provider of the default chain that is set,
// through the real SDK (the credentials URI).
func serveCredentials(t *testing.T, h http.HandlerFunc) {
	t.Helper()
	noCredentials(t)
	s := httptest.NewServer(h)
	t.Cleanup(s.Close)
	t.Setenv("ALIBABA_CLOUD_CREDENTIALS_URI", s.URL)
}

const farCredentials = `{"AccessKeyId":"STS.1","AccessKeySecret":"` + canarySecret + `","SecurityToken":"` + canaryToken + `","Expiration":"2999-01-01T00:00:00Z"}`

func TestCancellationReturnsWhileACredentialProviderHangs(t *testing.T) {
	asked, release := make(chan struct{}), make(chan struct{})
	serveCredentials(t, func(http.ResponseWriter, *http.Request) {
		close(asked)
		<-release
	})
	t.Cleanup(func() { close(release) }) // before the server's Close, which waits for the handler
	c := newClient(t, ClientOptions{Timeout: time.Hour}, nil)
	ctx, cancel := context.WithCancel(t.Context())
	result := make(chan error)
	go func() { result <- listOwn(ctx, c) }()
	<-asked
	cancel()
	err := <-result // the provider still hangs
	checkIs(t, err, ErrCanceled)
	if !errors.Is(err, context.Canceled) {
		t.Errorf("%v is not context.Canceled", err)
	}
}

func TestALookupThatOutlivesItsCallerServesTheNextOne(t *testing.T) {
	requests, release := make(chan struct{}, 8), make(chan struct{})
	serveCredentials(t, func(w http.ResponseWriter, _ *http.Request) {
		requests <- struct{}{}
		<-release
		_, _ = io.WriteString(w, farCredentials)
	})
	var source credentialSource
	ctx, cancel := context.WithCancel(t.Context())
	first := source.lookup()
	<-requests
	cancel()
	if _, err := source.get(ctx); !errors.Is(err, context.Canceled) {
		t.Errorf("error %v, want context.Canceled", err)
	}
	if source.lookup() != first {
		t.Error("a second lookup was started beside the first")
	}
	close(release)
	got, err := source.get(t.Context())
	if err != nil || got.AccessKeyId != "STS.1" || len(requests) != 0 {
		t.Errorf("key %q, error %v, %d more requests", got.AccessKeyId, err, len(requests))
	}
}

func TestASlowCredentialProviderEndsWithTheAttemptsTimeout(t *testing.T) {
	setCredentials(t)
	c := newClient(t, ClientOptions{Timeout: time.Millisecond}, nil)
	c.credentials.asked = &lookup{done: make(chan struct{})} // a lookup that never ends
	err := listOwn(t.Context(), c)
	checkIs(t, err, ErrCredentials)
	if !strings.Contains(errText(err), "no credentials within 1ms") {
		t.Errorf("%v", err)
	}
}

func TestTheChainIsRebuiltAfterAFailureSoThatALateKeyIsFound(t *testing.T) {
	serveCredentials(t, func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusNotFound) })
	var codes []string
	c := newClient(t, ClientOptions{OnRequest: func(_, code string) { codes = append(codes, code) }},
		handlerTransport{answers(answer{200, emptyPage})})
	checkIs(t, listOwn(t.Context(), c), ErrCredentials)
	t.Setenv("ALIBABA_CLOUD_ACCESS_KEY_ID", canaryKey)
	t.Setenv("ALIBABA_CLOUD_ACCESS_KEY_SECRET", canarySecret)
	checkIs(t, listOwn(t.Context(), c), nil)
	if d := cmp.Diff([]string{"credentials", "OK"}, codes); d != "" {
		t.Errorf("requests (-want +got):\n%s", d)
	}
}

func TestCredentialsThatTheCloudRejectsAreLookedUpAnew(t *testing.T) {
	for _, code := range []string{"InvalidAccessKeyId.NotFound", "SignatureDoesNotMatch"} {
		t.Run(code, func(t *testing.T) {
			lookups := 0
			serveCredentials(t, func(w http.ResponseWriter, _ *http.Request) {
				lookups++
				_, _ = io.WriteString(w, farCredentials)
			})
			ok := answer{200, emptyPage}
			c := newClient(t, ClientOptions{}, handlerTransport{answers(ok, ok, answer{400, refusalBody(code, "")}, ok)})
			checkIs(t, listOwn(t.Context(), c), nil)
			checkIs(t, listOwn(t.Context(), c), nil)
			if lookups != 1 {
				t.Errorf("%d lookups for two good calls, want 1", lookups)
			}
			checkIs(t, listOwn(t.Context(), c), ErrCredentials)
			checkIs(t, listOwn(t.Context(), c), nil)
			if lookups != 2 {
				t.Errorf("%d lookups after a rejection, want 2", lookups)
			}
		})
	}
}

func TestAnExpiredTokenCostsNoCall(t *testing.T) {
	lookups := 0
	serveCredentials(t, func(w http.ResponseWriter, _ *http.Request) {
		lookups++
		_, _ = io.WriteString(w, farCredentials)
	})
	ok, expired := answer{200, emptyPage}, answer{400, refusalBody(expiredToken, "")}
	c := newClient(t, ClientOptions{}, handlerTransport{answers(ok, expired, ok, expired, expired)})
	checkIs(t, listOwn(t.Context(), c), nil)
	checkIs(t, listOwn(t.Context(), c), nil)
	if lookups != 2 {
		t.Errorf("%d lookups, want 2", lookups)
	}
	checkIs(t, listOwn(t.Context(), c), ErrCredentials)
}

func TestAPanicInTheCredentialChainIsContained(t *testing.T) {
	if _, err := ask(nil); err == nil || err.Error() != "a provider got a reply that it cannot read" {
		t.Errorf("%v", err)
	}
}

func TestMissingCredentialsAreExplainedWithoutQuotingFiles(t *testing.T) {
	const hint = " (credentials); attach a RAM role to the instance, or set ALIBABA_CLOUD_ACCESS_KEY_ID and ALIBABA_CLOUD_ACCESS_KEY_SECRET"
	for _, tt := range []struct {
		name, cliConfig, want string
	}{
		{"nothing at all", "",
			"ALIBABA_CLOUD_ACCESS_KEY_ID is not set; no ~/.aliyun/config.json; no ~/.alibabacloud/credentials"},
		{"broken CLI profile, which the SDK quotes whole", `{"access_key_secret":"` + canarySecret + `"`,
			"ALIBABA_CLOUD_ACCESS_KEY_ID is not set; ~/.aliyun/config.json is not valid JSON; no ~/.alibabacloud/credentials"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			noCredentials(t)
			if tt.cliConfig != "" {
				writeHome(t, ".aliyun/config.json", tt.cliConfig)
			}
			c := newClient(t, ClientOptions{}, nil)
			err := listOwn(t.Context(), c)
			checkIs(t, err, ErrCredentials)
			if d := cmp.Diff("DescribeNetworkInterfaces: no credentials: "+tt.want+hint, errText(err)); d != "" {
				t.Errorf("(-want +got):\n%s", d)
			}
			mustNotLeak(t, errText(err))
		})
	}
}

func TestChainFailuresAreExplainedInWordsOfOurs(t *testing.T) {
	for _, tt := range []struct{ text, want string }{
		{"get role name failed: request http://100.100.100.200/latest/meta-data/ram/security-credentials/ 404", "no RAM role is attached to this instance"},
		{`get role name failed: Get "http://100.100.100.200/…": dial tcp: i/o timeout`, "the metadata service did not give the RAM role's name"},
		{"refresh Ecs sts token err, httpStatus: 500, message = " + canarySecret, "the metadata service gave no credentials for the RAM role"},
		{"refresh credentials from http://x failed: " + farCredentials, "ALIBABA_CLOUD_CREDENTIALS_URI gave no credentials"},
		{"SDK.ServerError\nErrorCode: EntityNotExist.Role\nRecommend: get session token failed" + canaryToken, "STS refused with EntityNotExist.Role"},
		{"something else with " + canarySecret, "the SDK's credential chain failed"},
	} {
		if d := cmp.Diff(tt.want, explainChain(tt.text)); d != "" {
			t.Errorf("%q (-want +got):\n%s", tt.text, d)
		}
	}
}

func writeHome(t *testing.T, name, content string) {
	t.Helper()
	file := filepath.Join(os.Getenv("HOME"), name)
	if err := os.MkdirAll(filepath.Dir(file), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(file, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
}
