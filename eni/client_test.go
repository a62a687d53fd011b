package eni

import (
	"crypto/hmac"
	"crypto/sha1"
	"encoding/base64"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"testing"
	"testing/synctest"

	"github.com/google/go-cmp/cmp"
)

func TestNewClientPicksTheEndpointItself(t *testing.T) {
	for _, tt := range []struct {
		options ClientOptions
		want    string
	}{
		{ClientOptions{Region: "cn-hangzhou"}, "https://ecs-vpc.cn-hangzhou.aliyuncs.com"},
		{ClientOptions{Region: "xx-unknown-9", Network: "vpc"}, "https://ecs-vpc.xx-unknown-9.aliyuncs.com"},
		{ClientOptions{Region: "eu-central-1", Network: "public"}, "https://ecs.eu-central-1.aliyuncs.com"},
		{ClientOptions{Region: "cn-hangzhou", Endpoint: "https://ecs.example:8443/"}, "https://ecs.example:8443"},
		{ClientOptions{Region: "cn-hangzhou", Endpoint: "http://127.0.0.1:9"}, "http://127.0.0.1:9"},
		{ClientOptions{Region: "cn-hangzhou", Endpoint: "http://[::1]:9"}, "http://[::1]:9"},
		{ClientOptions{Region: "cn-hangzhou", Endpoint: "http://localhost:9"}, "http://localhost:9"},
	} {
		c, err := NewClient(tt.options)
		if err != nil {
			t.Errorf("%+v: %v", tt.options, err)
		} else if c.Endpoint() != tt.want {
			t.Errorf("%+v: endpoint %s, want %s", tt.options, c.Endpoint(), tt.want)
		}
	}
}

func TestNewClientRefusesBadOptionsInOneClearLine(t *testing.T) {
	const wantURL = "want http(s)://host[:port] without user, path or query"
	endpoint := func(s string) ClientOptions { return ClientOptions{Region: "cn-hangzhou", Endpoint: s} }
	for _, tt := range []struct {
		options ClientOptions
		want    string
	}{
		{ClientOptions{}, `region "": want a region id of lower-case letters, digits and hyphens, such as cn-hangzhou`},
		{ClientOptions{Region: "evil.example/"}, `region "evil.example/": want a region id of lower-case letters, digits and hyphens, such as cn-hangzhou`},
		{ClientOptions{Region: "cn-hangzhou", Network: "intranet"}, `endpoint network "intranet": want vpc or public`},
		{ClientOptions{Region: "cn-hangzhou", Attempts: -1}, `timeout 0s, attempts -1: want 0 (the default) or more`},
		{ClientOptions{Region: "cn-hangzhou", UserAgent: "a\r\nb"}, `user agent "a\r\nb": want printable ASCII`},
		{endpoint("http://ecs.example"), `ECS endpoint "http://ecs.example": http:// is accepted for loopback hosts only; write https://ecs.example`},
		{endpoint("http://127.0.0.1.example"), `ECS endpoint "http://127.0.0.1.example": http:// is accepted for loopback hosts only; write https://127.0.0.1.example`},
		{endpoint("ecs.example"), `ECS endpoint: "ecs.example": ` + wantURL},
		{endpoint("ftp://ecs.example"), `ECS endpoint: "ftp://ecs.example": ` + wantURL},
		{endpoint("https://ecs.example/path"), `ECS endpoint: "https://ecs.example/path": ` + wantURL},
		{endpoint("https://ecs.example?a=b"), `ECS endpoint: "https://ecs.example?a=b": ` + wantURL},
		{endpoint("https://:443"), `ECS endpoint: "https://:443": ` + wantURL},
		{endpoint("https://user:password@ecs.example"), `ECS endpoint: a URL with user information; ` + wantURL},
		{endpoint("https://ecs.example:x"), `ECS endpoint: "https://ecs.example:x" is no URL; ` + wantURL},
	} {
		_, err := NewClient(tt.options)
		if d := cmp.Diff(tt.want, errText(err)); d != "" {
			t.Errorf("%+v (-want +got):\n%s", tt.options, d)
		}
	}
}

func TestRequestsAreSignedPostsOverHTTPSWithTheirParametersInTheQuery(t *testing.T) {
	setCredentials(t)
	var got *http.Request
	c := newClient(t, ClientOptions{UserAgent: "enitune/1.0"}, transportFunc(func(req *http.Request) (*http.Response, error) {
		got = req
		return handlerTransport{answers(answer{200, emptyPage})}.RoundTrip(req)
	}))
	if _, err := c.NetworkInterfaces(t.Context(), Query{InstanceID: "i-1", IDs: []string{"eni-b", "eni-a", "eni-b"}}); err != nil {
		t.Fatal(err)
	}
	if got.Method != "POST" || got.URL.Scheme != "https" || got.URL.Host != "ecs-vpc.cn-hangzhou.aliyuncs.com" {
		t.Errorf("%s %s://%s", got.Method, got.URL.Scheme, got.URL.Host)
	}
	if ua := got.Header.Get("User-Agent"); !strings.HasPrefix(ua, "enitune/1.0 (linux; ") {
		t.Errorf("user agent %q", ua)
	}
	query := got.URL.Query()
	if want := signatureOf(query, canarySecret); query.Get("Signature") != want {
		t.Errorf("signature %q, want %q", query.Get("Signature"), want)
	}
	for _, changing := range []string{"Signature", "SignatureNonce", "Timestamp"} {
		query.Del(changing)
	}
	want := url.Values{
		"Action": {"DescribeNetworkInterfaces"}, "Version": {"2014-05-26"}, "Format": {"JSON"}, "RegionId": {"cn-hangzhou"},
		"InstanceId": {"i-1"}, "MaxResults": {"100"}, "NetworkInterfaceId.1": {"eni-a"}, "NetworkInterfaceId.2": {"eni-b"},
		"AccessKeyId": {canaryKey}, "SecurityToken": {canaryToken},
		"SignatureMethod": {"HMAC-SHA1"}, "SignatureType": {""}, "SignatureVersion": {"1.0"},
	}
	if d := cmp.Diff(want, query); d != "" {
		t.Errorf("parameters (-want +got):\n%s", d)
	}
}

// signatureOf is the RPC signature, written independently of the SDK.
func signatureOf(query url.Values, secret string) string {
	signed := url.Values{}
	for name, values := range query {
		if name != "Signature" {
			signed[name] = values
		}
	}
	rfc3986 := strings.NewReplacer("+", "%20", "*", "%2A", "%7E", "~")
	mac := hmac.New(sha1.New, []byte(secret+"&"))
	_, _ = io.WriteString(mac, "POST&%2F&"+url.QueryEscape(rfc3986.Replace(signed.Encode())))
	return base64.StdEncoding.EncodeToString(mac.Sum(nil))
}

func TestOneClientServesSeveralGoroutines(t *testing.T) {
	setCredentials(t)
	c := newServer(t, ClientOptions{}, func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.WriteString(w, eniReply(`{"NetworkInterfaceId":"`+r.URL.Query().Get("NetworkInterfaceId.1")+`"}`))
	})
	var group sync.WaitGroup
	for i := range 16 {
		group.Go(func() {
			id := fmt.Sprintf("eni-%d", i)
			got, err := c.NetworkInterfaces(t.Context(), Query{IDs: []string{id}})
			if err != nil || len(got) != 1 || got[0].ID != id {
				t.Errorf("%s: %v, %v", id, got, err)
			}
		})
	}
	group.Wait()
}

func TestTransientFailuresAreRetriedAndOthersAreNot(t *testing.T) {
	setCredentials(t)
	ok := answer{200, emptyPage}
	for _, tt := range []struct {
		name      string
		answers   []answer
		wantCodes []string
		wantErr   error
	}{
		{"success", []answer{ok}, []string{"OK"}, nil},
		{"throttling comes as HTTP 400", []answer{{400, refusalBody("Throttling.User", "flow control")}, ok}, []string{"Throttling.User", "OK"}, nil},
		{"another word of throttling", []answer{{400, refusalBody("Rejected.Throttling", "")}, ok}, []string{"Rejected.Throttling", "OK"}, nil},
		{"server failure", []answer{{503, refusalBody("ServiceUnavailable", "")}, {500, "oops"}, ok}, []string{"ServiceUnavailable", "server", "OK"}, nil},
		{"attempts are bounded", []answer{{400, refusalBody("Throttling", "")}}, []string{"Throttling", "Throttling", "Throttling", "Throttling"}, ErrThrottled},
		{"denied", []answer{{403, refusalBody("Forbidden.RAM", "not authorized")}, ok}, []string{"Forbidden.RAM"}, ErrDenied},
		{"credentials", []answer{{404, refusalBody("InvalidAccessKeyId.NotFound", "")}, ok}, []string{"InvalidAccessKeyId.NotFound"}, ErrCredentials},
		{"not found", []answer{{404, refusalBody("InvalidInstanceId.NotFound", "")}, ok}, []string{"InvalidInstanceId.NotFound"}, ErrNotFound},
		{"invalid", []answer{{400, refusalBody("InvalidParameter", "")}, ok}, []string{"InvalidParameter"}, ErrInvalid},
		{"malformed", []answer{{200, "<html>"}, ok}, []string{"malformed"}, ErrMalformed},
		{"a code that is no code", []answer{{400, refusalBody("a b\\nc", "")}, ok}, []string{"invalid"}, ErrInvalid},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var codes []string
				c := newClient(t, ClientOptions{OnRequest: func(action, code string) {
					if action != "DescribeNetworkInterfaces" {
						t.Errorf("action %q", action)
					}
					codes = append(codes, code)
				}}, handlerTransport{answers(tt.answers...)})
				checkIs(t, listOwn(t.Context(), c), tt.wantErr)
				if d := cmp.Diff(tt.wantCodes, codes); d != "" {
					t.Errorf("requests (-want +got):\n%s", d)
				}
			})
		})
	}
}

func TestEachAttemptIsSignedAnewSoThatNoNonceIsUsedTwice(t *testing.T) {
	setCredentials(t)
	synctest.Test(t, func(t *testing.T) {
		nonces := make(map[string]bool)
		c := newClient(t, ClientOptions{Attempts: 5}, transportFunc(func(req *http.Request) (*http.Response, error) {
			nonces[req.URL.Query().Get("SignatureNonce")] = true
			return handlerTransport{answers(answer{503, ""})}.RoundTrip(req)
		}))
		checkIs(t, listOwn(t.Context(), c), ErrServer)
		if len(nonces) != 5 {
			t.Errorf("%d nonces in 5 attempts", len(nonces))
		}
	})
}
