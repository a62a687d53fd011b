//go:build netns

package cloud

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/enitune/enitune/agent"
	"github.com/enitune/enitune/test/world"
)

// expireCredentials ends the role's credentials at the API, which makes the agent
// ask the metadata service for others.
func (h *host) expireCredentials() { h.cloud.RotateCredentials() }

// TestCredentialsFail takes the credentials away, or makes them bad.
func TestCredentialsFail(t *testing.T) {
	const api = agent.ComponentAPI
	const role = "/security-credentials/" + world.Role
	endureEach(t, []fault{
		{name: "the role is taken away", begin: func(h *host) { h.cloud.SetRole(""); h.expireCredentials() }, end: func(h *host) { h.cloud.SetRole(world.Role) },
			source: api, class: "credentials", says: "no RAM role is attached to this instance.*attach a RAM role"},
		{name: "the clock is 20 minutes off", begin: func(h *host) { h.skew.Store(int64(20 * time.Minute)) }, end: func(h *host) { h.skew.Store(0) },
			source: api, class: "credentials", says: "InvalidTimeStamp.Expired.*check this machine's clock"},
		{name: "the metadata service goes on giving expired ones", begin: givesOld, source: api, class: "credentials",
			says: "InvalidSecurityToken.Expired.*the temporary credentials have expired"},
		{name: "the role cannot be assumed", begin: func(h *host) {
			h.expireCredentials()
			h.metadata.answer(only(role, says(200, jsonType, `{"Code":"AssumeRoleUnauthorized"}`)))
		}, source: api, class: "credentials", says: "gave no credentials for the RAM role: the reply does not say Success"},
		{name: "the role's credentials are a page", begin: func(h *host) {
			h.expireCredentials()
			h.metadata.answer(only(role, says(200, htmlType, portal)))
		}, source: api, class: "credentials", says: "gave no credentials for the RAM role: the reply cannot be read"},
		{name: "the role's credentials fail with HTTP 500", begin: func(h *host) {
			h.expireCredentials()
			h.metadata.answer(only(role, says(500, htmlType, portal)))
		}, source: api, class: "credentials", says: "gave no credentials for the RAM role: .*HTTP 500"},
		{name: "the secret is another key's", begin: func(h *host) {
			h.expireCredentials()
			h.metadata.answer(only(role, changed(func(c map[string]string) { c["AccessKeySecret"] = strings.Repeat("x", 44) })))
		}, source: api, class: "credentials", says: "SignatureDoesNotMatch"},
		{name: "the access key is unknown", begin: func(h *host) {
			h.expireCredentials()
			h.metadata.answer(only(role, changed(func(c map[string]string) { c["AccessKeyId"] = "STS.unknown" })))
		}, source: api, class: "credentials", says: "InvalidAccessKeyId.NotFound"},
	})
}

// givesOld has the metadata service give credentials that have just ended, as one
// does that does not renew them.
func givesOld(h *host) {
	old := httptest.NewRecorder()
	h.cloud.Metadata().ServeHTTP(old, h.metadataRequest("meta-data/ram/security-credentials/"+world.Role))
	h.noteReply(old.Body.Bytes())
	h.expireCredentials()
	h.metadata.answer(only("/security-credentials/"+world.Role, says(200, jsonType, old.Body.String())))
}

// metadataRequest is a request with a good token.
func (h *host) metadataRequest(path string) *http.Request {
	token := httptest.NewRecorder()
	put := httptest.NewRequest(http.MethodPut, "/latest/api/token", nil)
	put.Header.Set("X-aliyun-ecs-metadata-token-ttl-seconds", "60")
	h.cloud.Metadata().ServeHTTP(token, put)
	r := httptest.NewRequest(http.MethodGet, "/latest/"+path, nil)
	r.Header.Set("X-aliyun-ecs-metadata-token", token.Body.String())
	return r
}

// changed changes the credentials on their way.
func changed(change func(map[string]string)) wrapper {
	return func(w http.ResponseWriter, r *http.Request, next http.Handler) {
		rec := httptest.NewRecorder()
		next.ServeHTTP(rec, r)
		var c map[string]string
		if json.Unmarshal(rec.Body.Bytes(), &c) != nil {
			w.WriteHeader(rec.Code)
			return
		}
		change(c)
		_ = json.NewEncoder(w).Encode(c)
	}
}
