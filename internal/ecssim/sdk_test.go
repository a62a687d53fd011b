package ecssim_test

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"errors"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/aliyun/alibaba-cloud-sdk-go/sdk"
	"github.com/aliyun/alibaba-cloud-sdk-go/sdk/auth"
	"github.com/aliyun/alibaba-cloud-sdk-go/sdk/auth/credentials"
	sdkerrors "github.com/aliyun/alibaba-cloud-sdk-go/sdk/errors"
	"github.com/aliyun/alibaba-cloud-sdk-go/sdk/requests"
	"github.com/google/go-cmp/cmp"

	"github.com/enitune/enitune/internal/ecssim"
)

// listen serves h on loopback until the test ends and returns the address.
func listen(t *testing.T, h http.Handler, config *tls.Config) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- ecssim.Serve(ctx, l, h, config) }()
	t.Cleanup(func() {
		cancel()
		if err := <-done; err != nil {
			t.Errorf("Serve: %v", err)
		}
	})
	return l.Addr().String()
}

// describeWithSDK asks for the ENIs of i-1 with the real SDK's core.
func describeWithSDK(t *testing.T, address, scheme string, credential auth.Credential, transport *http.Transport) (string, error) {
	t.Helper()
	config := sdk.NewConfig().WithScheme(scheme).WithAutoRetry(false).WithTimeout(10 * time.Second)
	if transport != nil {
		config.WithHttpTransport(transport)
	}
	client, err := sdk.NewClientWithOptions("cn-hangzhou", config, credential)
	if err != nil {
		t.Fatal(err)
	}
	request := requests.NewCommonRequest()
	request.Method = http.MethodPost
	request.Scheme = scheme
	request.Domain = address
	request.Version = "2014-05-26"
	request.ApiName = "DescribeNetworkInterfaces"
	request.QueryParams["InstanceId"] = "i-1"
	request.QueryParams["Tag.1.Key"] = "name with blanks, ~tilde* and +plus"
	response, err := client.ProcessCommonRequest(request)
	if err != nil {
		return "", err
	}
	return response.GetHttpContentString(), nil
}

// sdkCloud has one ENI whose tag is hard to encode.
func sdkCloud() *ecssim.Cloud {
	c := ecssim.New(ecssim.Options{}) // the SDK signs with the real time
	c.SetInstance(ecssim.Instance{ID: "i-1", Region: "cn-hangzhou", Type: "ecs.g7.xlarge", RoleName: "TestRole"})
	c.AddAccessKey("ak", "sk")
	c.PutENI(ecssim.ENI{ID: "eni-1", MAC: "00:16:3e:00:00:01", InstanceID: "i-1", QueueNumber: new(2),
		Tags: map[string]string{"name with blanks, ~tilde* and +plus": "x"}})
	return c
}

func wantENI1(t *testing.T, body string) {
	t.Helper()
	var page struct {
		NetworkInterfaceSets struct {
			NetworkInterfaceSet []struct {
				ID string `json:"NetworkInterfaceId"`
			}
		}
	}
	if err := json.Unmarshal([]byte(body), &page); err != nil {
		t.Fatal(err)
	}
	if got := page.NetworkInterfaceSets.NetworkInterfaceSet; len(got) != 1 || got[0].ID != "eni-1" {
		t.Errorf("got %s", body)
	}
}

func TestTheRealSDKIsUnderstoodOverHTTP(t *testing.T) {
	c := sdkCloud()
	body, err := describeWithSDK(t, listen(t, c.ECS(), nil), "HTTP", credentials.NewAccessKeyCredential("ak", "sk"), nil)
	if err != nil {
		t.Fatal(err)
	}
	wantENI1(t, body)
}

func TestTheRealSDKIsUnderstoodOverHTTPS(t *testing.T) {
	c := sdkCloud()
	cert, ca, err := ecssim.SelfSignedTLS("127.0.0.1")
	if err != nil {
		t.Fatal(err)
	}
	roots := x509.NewCertPool()
	if !roots.AppendCertsFromPEM(ca) {
		t.Fatal("the authority is not PEM")
	}
	address := listen(t, c.ECS(), &tls.Config{Certificates: []tls.Certificate{cert}})
	key := credentials.NewAccessKeyCredential("ak", "sk")
	body, err := describeWithSDK(t, address, "HTTPS", key, &http.Transport{TLSClientConfig: &tls.Config{RootCAs: roots}})
	if err != nil {
		t.Fatal(err)
	}
	wantENI1(t, body)
	if _, err := describeWithSDK(t, address, "HTTPS", key, &http.Transport{TLSClientConfig: &tls.Config{RootCAs: x509.NewCertPool()}}); err == nil {
		t.Error("a client that does not trust the authority was served")
	}
}

func TestTheRealSDKSeesTheCloudsErrors(t *testing.T) {
	c := sdkCloud()
	address := listen(t, c.ECS(), nil)
	tests := []struct {
		name       string
		credential auth.Credential
		fault      []ecssim.Fault
		status     int
		code       string
	}{
		{"wrong secret", credentials.NewAccessKeyCredential("ak", "not-sk"), nil, 400, "SignatureDoesNotMatch"},
		{"unknown key", credentials.NewAccessKeyCredential("nobody", "sk"), nil, 404, "InvalidAccessKeyId.NotFound"},
		{"made-up token", credentials.NewStsTokenCredential("ak", "sk", "token"), nil, 400, "InvalidSecurityToken.Malformed"},
		{"throttled", credentials.NewAccessKeyCredential("ak", "sk"),
			[]ecssim.Fault{{Target: ecssim.TargetECS, Code: "Throttling.User", Message: "slow down"}}, 400, "Throttling.User"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			c.SetFaults(tt.fault...)
			_, err := describeWithSDK(t, address, "HTTP", tt.credential, nil)
			var server sdkerrors.Error
			if !errors.As(err, &server) {
				t.Fatalf("got %v, want an error of the server", err)
			}
			if server.HttpStatus() != tt.status || server.ErrorCode() != tt.code {
				t.Errorf("got %d %s, want %d %s", server.HttpStatus(), server.ErrorCode(), tt.status, tt.code)
			}
		})
	}
}

func TestTheRealSDKComputesTheSameStringToSign(t *testing.T) {
	c := sdkCloud()
	_, err := describeWithSDK(t, listen(t, c.ECS(), nil), "HTTP", credentials.NewAccessKeyCredential("ak", "not-sk"), nil)
	// The SDK blames the secret only if its string to sign equals the server's.
	if err == nil || !strings.Contains(err.Error(), "InvalidAccessKeySecret") {
		t.Errorf("got %v, want the SDK to blame the secret", err)
	}
}

func TestTheRealSDKWorksWithRoleCredentialsUntilTheyAreRotated(t *testing.T) {
	c := sdkCloud()
	address := listen(t, c.ECS(), nil)
	first := roleCredentials(t, c)
	body, err := describeWithSDK(t, address, "HTTP", first.sdk(), nil)
	if err != nil {
		t.Fatal(err)
	}
	wantENI1(t, body)

	c.RotateCredentials()
	if _, err := describeWithSDK(t, address, "HTTP", first.sdk(), nil); err == nil || !strings.Contains(err.Error(), "InvalidSecurityToken.Expired") {
		t.Errorf("with the old credentials: %v, want InvalidSecurityToken.Expired", err)
	}
	if body, err = describeWithSDK(t, address, "HTTP", roleCredentials(t, c).sdk(), nil); err != nil {
		t.Fatal(err)
	}
	wantENI1(t, body)
}

func TestTheLogKnowsTheRequestButNotItsSecrets(t *testing.T) {
	c := sdkCloud()
	role := roleCredentials(t, c)
	c.ResetRequests()
	if _, err := describeWithSDK(t, listen(t, c.ECS(), nil), "HTTP", role.sdk(), nil); err != nil {
		t.Fatal(err)
	}
	log := c.Requests()
	if len(log) != 1 {
		t.Fatalf("%d entries, want 1", len(log))
	}
	e := log[0]
	if e.Action != "DescribeNetworkInterfaces" || e.Status != 200 || e.Code != "" || e.Params["InstanceId"] != "i-1" || e.Params["AccessKeyId"] != role.AccessKeyID {
		t.Errorf("got %+v", e)
	}
	text, err := json.Marshal(log)
	if err != nil {
		t.Fatal(err)
	}
	for _, secret := range []string{role.SecurityToken, role.AccessKeySecret, `"Signature"`, `"SecurityToken"`} {
		if strings.Contains(string(text), secret) {
			t.Errorf("the log holds %s", secret)
		}
	}
	c.ResetRequests()
	if diff := cmp.Diff([]ecssim.Request{}, c.Requests()); diff != "" {
		t.Errorf("after a reset (-want +got)\n%s", diff)
	}
}
