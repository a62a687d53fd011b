package ecssim_test

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/enitune/enitune/internal/ecssim"
)

func vector() map[string]string {
	return map[string]string{
		"AccessKeyId": "ak", "Action": "DescribeNetworkInterfaces", "Format": "JSON", "InstanceId": "i-bp1test",
		"NetworkInterfaceId.1": "eni-1", "NetworkInterfaceId.2": "eni-2", "RegionId": "cn-hangzhou",
		"SignatureMethod": "HMAC-SHA1", "SignatureNonce": "7af5400f73dddda3adcd035e0ed0acad", "SignatureType": "",
		"SignatureVersion": "1.0", "Timestamp": "2026-11-22T21:45:05Z", "Version": "2014-05-26",
	}
}

func TestSignMatchesTheVectorOfTheSDK(t *testing.T) {
	if got, want := ecssim.Sign("POST", vector(), "sk"), "cYRW5EvbKir22s07fYoPIjGSJ/A="; got != want {
		t.Errorf("Sign = %s, want %s", got, want)
	}
}

func TestSignatureDoesNotCoverItself(t *testing.T) {
	p := vector()
	want := ecssim.Sign("POST", p, "sk")
	p["Signature"] = "anything"
	if got := ecssim.Sign("POST", p, "sk"); got != want {
		t.Errorf("Sign with a Signature parameter = %s, want %s", got, want)
	}
}

func TestVectorIsAcceptedOnceAndThenItsNonceIsUsed(t *testing.T) {
	c, clk := newCloud(ecssim.Options{})
	cl := newClient(c, clk)
	p := vector()
	p["Signature"] = ecssim.Sign("POST", p, "sk")
	if a := cl.send(t, p); a.status != http.StatusOK {
		t.Fatalf("first request: %d %v", a.status, a.body)
	}
	if a := cl.send(t, p); a.code() != "SignatureNonceUsed" || a.status != http.StatusBadRequest {
		t.Errorf("second request: %d %s, want 400 SignatureNonceUsed", a.status, a.code())
	}
}

func TestAuthenticationErrors(t *testing.T) {
	tests := []struct {
		name   string
		pairs  []string
		status int
		code   string
	}{
		{"no action", []string{"Action="}, 400, "MissingParameter"},
		{"no version", []string{"Version="}, 400, "MissingParameter"},
		{"no access key", []string{"AccessKeyId="}, 400, "MissingParameter"},
		{"no signature method", []string{"SignatureMethod="}, 400, "MissingParameter"},
		{"no nonce", []string{"SignatureNonce="}, 400, "MissingParameter"},
		{"no timestamp", []string{"Timestamp="}, 400, "MissingParameter"},
		{"no region", []string{"RegionId="}, 400, "MissingParameter"},
		{"empty signature", []string{"Signature="}, 400, "SignatureDoesNotMatch"},
		{"wrong signature", []string{"Signature=d3Jvbmc"}, 400, "SignatureDoesNotMatch"},
		{"other signature method", []string{"SignatureMethod=HMAC-SHA256"}, 400, "InvalidParameter"},
		{"other signature version", []string{"SignatureVersion=2.0"}, 400, "InvalidParameter"},
		{"other version", []string{"Version=2016-03-14"}, 400, "InvalidVersion"},
		{"XML", []string{"Format=XML"}, 400, "InvalidParameter.Format"},
		{"unknown key", []string{"AccessKeyId=nobody"}, 404, "InvalidAccessKeyId.NotFound"},
		{"unknown action", []string{"Action=DescribeEverything"}, 404, "InvalidAction.NotFound"},
		{"unknown region", []string{"RegionId=mars-north-1"}, 404, "InvalidRegionId.NotFound"},
		{"malformed timestamp", []string{"Timestamp=yesterday"}, 400, "InvalidTimeStamp.Format"},
		{"timestamp 16 minutes old", []string{"Timestamp=2026-11-22T21:29:04Z"}, 400, "InvalidTimeStamp.Expired"},
		{"timestamp 16 minutes ahead", []string{"Timestamp=2026-11-22T22:01:06Z"}, 400, "InvalidTimeStamp.Expired"},
		{"timestamp 15 minutes old", []string{"Timestamp=2026-11-22T21:30:05Z"}, 200, ""},
		{"security token with a static key", []string{"SecurityToken=made-up"}, 400, "InvalidSecurityToken.Malformed"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			c, clk := newCloud(ecssim.Options{})
			cl := newClient(c, clk)
			if tt.name == "empty signature" {
				cl.secret = "another"
			}
			a := cl.call(t, "DescribeNetworkInterfaces", tt.pairs...)
			if a.status != tt.status || a.code() != tt.code {
				t.Errorf("got %d %s, want %d %s: %v", a.status, a.code(), tt.status, tt.code, a.body)
			}
		})
	}
}

func TestMissingSignatureIsAMissingParameter(t *testing.T) {
	c, clk := newCloud(ecssim.Options{})
	cl := newClient(c, clk)
	if a := cl.send(t, cl.parameters("DescribeNetworkInterfaces")); a.code() != "MissingParameter" {
		t.Errorf("got %s, want MissingParameter", a.code())
	}
}

func TestErrorBodyHasTheShapeOfTheCloud(t *testing.T) {
	c, clk := newCloud(ecssim.Options{})
	cl := newClient(c, clk)
	a := cl.call(t, "DescribeEverything")
	for _, field := range []string{"RequestId", "HostId", "Code", "Message", "Recommend"} {
		if text, _ := a.body[field].(string); text == "" {
			t.Errorf("%s is missing in %v", field, a.body)
		}
	}
	if len(a.body) != 5 {
		t.Errorf("unexpected fields in %v", a.body)
	}
	if a.body["HostId"] != "ecs.cn-hangzhou.aliyuncs.com" {
		t.Errorf("HostId = %v", a.body["HostId"])
	}
}

func TestNonceIsForgottenAfterItsRequestWouldHaveExpired(t *testing.T) {
	c, clk := newCloud(ecssim.Options{})
	cl := newClient(c, clk)
	for _, step := range []struct {
		wait time.Duration
		want string
	}{{0, ""}, {14 * time.Minute, "SignatureNonceUsed"}, {17 * time.Minute, ""}} {
		clk.advance(step.wait)
		if a := cl.call(t, "DescribeNetworkInterfaces", "SignatureNonce=same"); a.code() != step.want {
			t.Errorf("after %v more: %q, want %q", step.wait, a.code(), step.want)
		}
	}
}

func TestParametersInAFormAreSignedToo(t *testing.T) {
	c, clk := newCloud(ecssim.Options{})
	cl := newClient(c, clk)
	p := cl.parameters("DescribeInstanceTypes", "InstanceTypes.1=ecs.g7.xlarge")
	p["Signature"] = ecssim.Sign(http.MethodPost, p, "sk")
	form := make([]string, 0, len(p))
	for name, value := range p {
		form = append(form, name+"="+strings.NewReplacer("+", "%2B", "/", "%2F", "=", "%3D", ":", "%3A").Replace(value))
	}
	r := httptest.NewRequest(http.MethodPost, "/", strings.NewReader(strings.Join(form, "&")))
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	w := httptest.NewRecorder()
	c.ECS().ServeHTTP(w, r)
	if w.Code != http.StatusOK {
		t.Errorf("got %d: %s", w.Code, w.Body)
	}
}

func TestARepeatedParameterIsRefused(t *testing.T) {
	c, _ := newCloud(ecssim.Options{})
	w := httptest.NewRecorder()
	c.ECS().ServeHTTP(w, httptest.NewRequest(http.MethodPost, "/?Action=A&Action=B", nil))
	if w.Code != http.StatusBadRequest || !strings.Contains(w.Body.String(), `\"Action\" is given more than once`) {
		t.Errorf("got %d: %s", w.Code, w.Body)
	}
}

func FuzzQuery(f *testing.F) {
	for _, seed := range []string{
		"", "Action=DescribeNetworkInterfaces&Version=2014-05-26", "%zz", "a=1&a=2", "Tag.1.Key=a&Tag.x.Key=b&Tag.1.Value=",
		"NetworkInterfaceId.99999999999999999999=x&NetworkInterfaceId.01=y", "MaxResults=-1&NextToken=MS5hYmM",
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, query string) {
		c, _ := newCloud(ecssim.Options{})
		r := httptest.NewRequest(http.MethodPost, "/", nil)
		r.URL.RawQuery = query
		w := httptest.NewRecorder()
		c.ECS().ServeHTTP(w, r)
		if w.Code < 400 {
			t.Errorf("an unsigned request was answered %d", w.Code)
		}
	})
}

// FuzzSignedParameter sends any name and value with a true signature: it must
// be accepted as signed, whatever the action then makes of it.
func FuzzSignedParameter(f *testing.F) {
	for _, seed := range [][2]string{
		{"Description", "a b+c*d~e/f"}, {"InstanceId", "ö\x00"}, {"NextToken", "MS5hYmM"}, {"MaxResults", "1e3"}, {"Tag.1.Key", "=&%"},
	} {
		f.Add(seed[0], seed[1])
	}
	f.Fuzz(func(t *testing.T, name, value string) {
		c, clk := newCloud(ecssim.Options{})
		c.PutENI(ecssim.ENI{ID: "eni-1", MAC: "00:16:3e:00:00:01"})
		cl := newClient(c, clk)
		p := cl.parameters("DescribeNetworkInterfaces")
		if _, taken := p[name]; taken || name == "Signature" || name == "SecurityToken" {
			t.Skip()
		}
		p[name] = value
		p["Signature"] = ecssim.Sign(http.MethodPost, p, "sk")
		switch a := cl.send(t, p); a.code() {
		case "", "InvalidParameter":
		default:
			t.Errorf("%q=%q: %d %s", name, value, a.status, a.code())
		}
	})
}
