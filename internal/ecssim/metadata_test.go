package ecssim_test

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/aliyun/alibaba-cloud-sdk-go/sdk/auth/credentials"
	"github.com/google/go-cmp/cmp"

	"github.com/enitune/enitune/internal/ecssim"
)

// role is the document of role credentials.
type role struct {
	AccessKeyID     string `json:"AccessKeyId"`
	AccessKeySecret string
	SecurityToken   string
	Expiration      time.Time
	LastUpdated     time.Time
	Code            string
}

func (r role) sdk() *credentials.StsTokenCredential {
	return credentials.NewStsTokenCredential(r.AccessKeyID, r.AccessKeySecret, r.SecurityToken)
}

func roleCredentials(t *testing.T, c *ecssim.Cloud) role {
	t.Helper()
	m := metadata{c.Metadata()}
	status, body := m.get("/latest/meta-data/ram/security-credentials/TestRole", m.token(t, "60"))
	if status != http.StatusOK {
		t.Fatalf("role credentials: status %d", status)
	}
	var r role
	if err := json.Unmarshal([]byte(body), &r); err != nil {
		t.Fatal(err)
	}
	return r
}

func TestMetadataTree(t *testing.T) {
	c, _ := newCloud(ecssim.Options{})
	someENIs(c)
	c.PutENI(ecssim.ENI{ID: "eni-member", MAC: "00:16:3e:00:00:06", Type: ecssim.TypeMember, InstanceID: "i-1", TrunkID: "eni-second"})
	c.PutENI(ecssim.ENI{ID: "eni-hidden", MAC: "00:16:3e:00:00:07", InstanceID: "i-1", HiddenFromMetadata: true})
	c.PutENI(ecssim.ENI{ID: "eni-attaching", MAC: "00:16:3e:00:00:08", InstanceID: "i-1", Status: "Attaching"})
	m := metadata{c.Metadata()}
	token := m.token(t, "21600")
	for path, want := range map[string]string{
		"/latest/":                                    "dynamic/\nmeta-data/",
		"/latest/meta-data/instance-id":               "i-1",
		"/latest/meta-data/region-id":                 "cn-hangzhou",
		"/latest/meta-data/zone-id":                   "cn-hangzhou-i",
		"/latest/meta-data/owner-account-id":          "1609",
		"/latest/meta-data/instance/":                 "instance-name\ninstance-type",
		"/latest/meta-data/instance":                  "instance-name\ninstance-type",
		"/latest/meta-data/instance/instance-type":    "ecs.g7.xlarge",
		"/latest/meta-data/mac":                       "00:16:3e:00:00:01",
		"/latest/meta-data/network/interfaces/macs/":  "00:16:3e:00:00:01/\n00:16:3e:00:00:02/\n00:16:3e:00:00:03/",
		"/latest/meta-data/ram/security-credentials/": "TestRole",
		"/latest/meta-data/network/interfaces/macs/00:16:3e:00:00:03/network-interface-id": "eni-managed",
	} {
		if status, got := m.get(path, token); status != http.StatusOK || got != want {
			t.Errorf("%s: %d %q, want 200 %q", path, status, got, want)
		}
	}
	for _, path := range []string{
		"/", "/latest", "/1.0/meta-data/instance-id", "/latest/meta-data/nothing", "/latest/meta-data/instance-id/more",
		"/latest/meta-data/vpc-id", "/latest/meta-data/ram/security-credentials/OtherRole",
		"/latest/meta-data/network/interfaces/macs/00:16:3e:00:00:99/network-interface-id",
	} {
		status, body := m.get(path, token)
		if path == "/latest" {
			if status != http.StatusOK {
				t.Errorf("%s: %d, want 200", path, status)
			}
			continue
		}
		if status != http.StatusNotFound || !strings.Contains(body, "404 - Not Found") {
			t.Errorf("%s: %d %q, want a 404 page", path, status, body)
		}
	}
}

func TestInstanceIdentityDocument(t *testing.T) {
	c, _ := newCloud(ecssim.Options{})
	someENIs(c)
	m := metadata{c.Metadata()}
	_, body := m.get("/latest/dynamic/instance-identity/document", m.token(t, "60"))
	var got map[string]string
	if err := json.Unmarshal([]byte(body), &got); err != nil {
		t.Fatal(err)
	}
	want := map[string]string{
		"zone-id": "cn-hangzhou-i", "instance-id": "i-1", "region-id": "cn-hangzhou", "private-ipv4": "",
		"owner-account-id": "1609", "mac": "00:16:3e:00:00:01", "instance-type": "ecs.g7.xlarge",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
}

func TestMetadataTokenRules(t *testing.T) {
	const path = "/latest/meta-data/instance-id"
	c, clk := newCloud(ecssim.Options{})
	m := metadata{c.Metadata()}
	for ttl, want := range map[string]int{"1": 200, "21600": 200, "0": 400, "21601": 400, "-1": 400, "soon": 400, "": 400} {
		status, _ := m.do(http.MethodPut, "/latest/api/token", map[string]string{"X-aliyun-ecs-metadata-token-ttl-seconds": ttl})
		if status != want {
			t.Errorf("token for %q seconds: %d, want %d", ttl, status, want)
		}
	}
	if status, _ := m.do(http.MethodPut, "/latest/api/token", map[string]string{
		"X-aliyun-ecs-metadata-token-ttl-seconds": "60", "X-Forwarded-For": "192.0.2.1"}); status != http.StatusForbidden {
		t.Errorf("token through a proxy: %d, want 403", status)
	}
	if status, _ := m.do(http.MethodGet, "/latest/api/token", nil); status != http.StatusMethodNotAllowed {
		t.Errorf("GET of a token: %d, want 405", status)
	}
	if status, _ := m.do(http.MethodPost, path, nil); status != http.StatusMethodNotAllowed {
		t.Errorf("POST: %d, want 405", status)
	}

	token := m.token(t, "60")
	check := func(when, token string, want int) {
		t.Helper()
		if status, body := m.get(path, token); status != want || (status != 200 && strings.Contains(body, "i-1")) {
			t.Errorf("%s: %d %q, want %d", when, status, body, want)
		}
	}
	check("no token", "", 401)
	check("unknown token", "aaa", 401)
	check("fresh token", token, 200)
	clk.advance(59 * time.Second)
	check("token in its last second", token, 200)
	clk.advance(time.Second)
	check("expired token", token, 401)
	token = m.token(t, "60")
	c.RevokeTokens()
	check("revoked token", token, 401)
}

func TestTokenlessAccess(t *testing.T) {
	for _, tt := range []struct {
		opts          ecssim.Options
		without, with int
	}{
		{ecssim.Options{}, 401, 401},
		{ecssim.Options{TokenlessStatus: 403}, 403, 401},
		{ecssim.Options{AllowTokenless: true}, 200, 401},
	} {
		c, _ := newCloud(tt.opts)
		m := metadata{c.Metadata()}
		without, _ := m.do(http.MethodGet, "/latest/meta-data/instance-id", nil)
		with, _ := m.get("/latest/meta-data/instance-id", "wrong")
		if without != tt.without || with != tt.with {
			t.Errorf("%+v: without a token %d, with a wrong one %d; want %d, %d", tt.opts, without, with, tt.without, tt.with)
		}
	}
}

func TestRoleCredentialsAreKeptUntilShortlyBeforeTheirEnd(t *testing.T) {
	c, clk := newCloud(ecssim.Options{CredentialLifetime: 2 * time.Hour})
	first := roleCredentials(t, c)
	if first.Code != "Success" || !first.Expiration.Equal(clk.Now().Add(2*time.Hour)) || !first.LastUpdated.Equal(clk.Now()) {
		t.Errorf("got %+v", first)
	}
	clk.advance(89 * time.Minute)
	if again := roleCredentials(t, c); again != first {
		t.Error("the credentials changed 31 minutes before their end")
	}
	clk.advance(time.Minute)
	if again := roleCredentials(t, c); again.AccessKeyID == first.AccessKeyID {
		t.Error("the credentials did not change 30 minutes before their end")
	}
}

func TestSecurityTokenRules(t *testing.T) {
	c, clk := newCloud(ecssim.Options{})
	old := roleCredentials(t, c)
	c.RotateCredentials()
	now := roleCredentials(t, c)
	tests := []struct {
		name              string
		id, secret, token string
		code              string
	}{
		{"valid", now.AccessKeyID, now.AccessKeySecret, now.SecurityToken, ""},
		{"no token", now.AccessKeyID, now.AccessKeySecret, "", "MissingSecurityToken"},
		{"nonsense", now.AccessKeyID, now.AccessKeySecret, "nonsense", "InvalidSecurityToken.Malformed"},
		{"token of another key", now.AccessKeyID, now.AccessKeySecret, old.SecurityToken, "InvalidSecurityToken.MismatchWithAccessKey"},
		{"rotated", old.AccessKeyID, old.AccessKeySecret, old.SecurityToken, "InvalidSecurityToken.Expired"},
		{"wrong secret", now.AccessKeyID, old.AccessKeySecret, now.SecurityToken, "SignatureDoesNotMatch"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			cl := &client{handler: c.ECS(), clock: clk, id: tt.id, secret: tt.secret, token: tt.token}
			if a := cl.call(t, "DescribeNetworkInterfaces", "SignatureNonce="+tt.name); a.code() != tt.code {
				t.Errorf("got %q, want %q", a.code(), tt.code)
			}
		})
	}
	t.Run("past its end", func(t *testing.T) {
		clk.advance(6 * time.Hour)
		cl := &client{handler: c.ECS(), clock: clk, id: now.AccessKeyID, secret: now.AccessKeySecret, token: now.SecurityToken}
		if a := cl.call(t, "DescribeNetworkInterfaces"); a.code() != "InvalidSecurityToken.Expired" {
			t.Errorf("got %q", a.code())
		}
	})
}

func TestAnInstanceWithoutARoleHasNoCredentials(t *testing.T) {
	c, _ := newCloud(ecssim.Options{})
	m := metadata{c.Metadata()}
	token := m.token(t, "60")
	for _, tt := range []struct {
		role   string
		status int
	}{{"TestRole", 200}, {"", 404}, {"TestRole", 200}} {
		c.SetRole(tt.role)
		for _, path := range []string{"/latest/meta-data/ram/security-credentials/", "/latest/meta-data/ram/security-credentials/TestRole"} {
			if status, _ := m.get(path, token); status != tt.status {
				t.Errorf("role %q, %s: %d, want %d", tt.role, path, status, tt.status)
			}
		}
	}
}

func TestEqualSeedsGiveEqualTokens(t *testing.T) {
	token := func(seed uint64) string {
		c, _ := newCloud(ecssim.Options{Seed: seed})
		return metadata{c.Metadata()}.token(t, "60")
	}
	first, again, other := token(1), token(1), token(2)
	if first != again {
		t.Error("the same seed gave two tokens")
	}
	if first == other {
		t.Error("two seeds gave the same token")
	}
}
