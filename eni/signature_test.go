package eni

import (
	"net/url"
	"testing"
	"time"

	"github.com/aliyun/alibaba-cloud-sdk-go/sdk"
	"github.com/aliyun/alibaba-cloud-sdk-go/sdk/auth/credentials"
	"github.com/aliyun/alibaba-cloud-sdk-go/sdk/requests"
	"pgregory.net/rapid"
)

// sdkQuery is the query of a request that the SDK has signed.
func sdkQuery(t *rapid.T, params map[string]string, creds credentials.CredentialsProvider) url.Values {
	request := requests.NewCommonRequest()
	request.Product, request.Version, request.ApiName = "Ecs", apiVersion, "DescribeNetworkInterfaces"
	request.Method, request.Scheme, request.Domain = "POST", "https", "ecs.example"
	for name, value := range params {
		request.QueryParams[name] = value
	}
	request.TransToAcsRequest()
	signer, err := sdk.NewClientWithOptions("cn-hangzhou", sdk.NewConfig(), creds)
	if err != nil {
		t.Fatal(err)
	}
	if err := signer.BuildRequestWithSigner(request, nil); err != nil {
		t.Fatal(err)
	}
	u, err := url.Parse(request.BuildUrl())
	if err != nil {
		t.Fatal(err)
	}
	return u.Query()
}

func TestARequestHasTheParametersAndTheSignatureThatTheSDKGivesIt(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		text := rapid.String()
		params := rapid.MapOf(rapid.StringMatching(`[A-Za-z][A-Za-z0-9.]{2,20}[0-9]`), text).Draw(t, "params")
		var creds snapshot
		creds.AccessKeyId, creds.AccessKeySecret, creds.SecurityToken = text.Draw(t, "key"), text.Draw(t, "secret"), text.Draw(t, "token")
		theirs := sdkQuery(t, params, credentials.NewStaticSTSCredentialsProvider(creds.AccessKeyId, creds.AccessKeySecret, creds.SecurityToken))
		signed := theirs.Get("Signature")
		theirs.Del("Signature")
		if got := signature("POST", theirs, creds.AccessKeySecret); got != signed {
			t.Errorf("%v: signed %q, the SDK %q", theirs, got, signed)
		}
		ours := signedQuery("cn-hangzhou", "DescribeNetworkInterfaces", params, creds, time.Unix(1764000000, 0))
		for name := range ours {
			if !theirs.Has(name) && name != "Signature" {
				t.Errorf("%s: the SDK has no such parameter", name)
			}
		}
		for name, values := range theirs {
			switch name {
			case "Timestamp", "SignatureNonce":
				if ours.Get(name) == "" {
					t.Errorf("no %s", name)
				}
			default:
				if ours.Get(name) != values[0] {
					t.Errorf("%s is %q, the SDK's is %q", name, ours.Get(name), values[0])
				}
			}
		}
	})
}

// The test vector is the SDK's: v1.63.107 sent it to a server that kept it.
func TestSignatureOfAKnownRequest(t *testing.T) {
	query := url.Values{
		"AccessKeyId": {"ak"}, "Action": {"DescribeNetworkInterfaces"}, "Format": {"JSON"}, "InstanceId": {"i-bp1test"},
		"NetworkInterfaceId.1": {"eni-1"}, "NetworkInterfaceId.2": {"eni-2"}, "RegionId": {"cn-hangzhou"},
		"SignatureMethod": {"HMAC-SHA1"}, "SignatureNonce": {"7af5400f73dddda3adcd035e0ed0acad"}, "SignatureType": {""},
		"SignatureVersion": {"1.0"}, "Timestamp": {"2026-11-22T21:45:05Z"}, "Version": {"2014-05-26"},
	}
	if got, want := signature("POST", query, "sk"), "cYRW5EvbKir22s07fYoPIjGSJ/A="; got != want {
		t.Errorf("%s, want %s", got, want)
	}
}
