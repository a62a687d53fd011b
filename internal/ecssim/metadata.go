package ecssim

import (
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"
)

const (
	tokenHeader = "X-aliyun-ecs-metadata-token"
	ttlHeader   = "X-aliyun-ecs-metadata-token-ttl-seconds"
	maxTokenTTL = 21600 // seconds, 6 h

	metadataRoot    = "/latest/"
	credentialsPath = "meta-data/ram/security-credentials/"
)

// Metadata returns the instance metadata service of the current instance. A
// wrong or expired token is answered 401, an unknown path 404.
func (c *Cloud) Metadata() http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		path := strings.TrimPrefix(r.URL.Path, metadataRoot)
		in := call{
			entry:  Request{Target: TargetMetadata, Method: r.Method, Path: r.URL.Path},
			match:  path,
			answer: func() reply { return c.answerMetadata(r) },
			fail:   plainFault,
		}
		if path == "api/token" {
			in.entry.Target = TargetToken
			in.answer = func() reply { return c.answerToken(r) }
		}
		c.serve(w, r, in)
	})
}

// answerToken issues a metadata token. A request that came through a proxy is
// refused, which is what makes hardened mode worth having.
func (c *Cloud) answerToken(r *http.Request) reply {
	if r.Method != http.MethodPut {
		return page(http.StatusMethodNotAllowed)
	}
	if r.Header.Get("X-Forwarded-For") != "" {
		return page(http.StatusForbidden)
	}
	ttl, err := strconv.Atoi(strings.TrimSpace(r.Header.Get(ttlHeader)))
	if err != nil || ttl < 1 || ttl > maxTokenTTL {
		return page(http.StatusBadRequest)
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	now := c.opts.Clock()
	maps.DeleteFunc(c.tokens, func(_ string, end time.Time) bool { return !now.Before(end) })
	token := c.text(56, alphanumeric)
	c.tokens[token] = now.Add(time.Duration(ttl) * time.Second)
	return textReply(token)
}

// RevokeTokens makes every metadata token unknown, as after a failover of the service.
func (c *Cloud) RevokeTokens() {
	c.mu.Lock()
	defer c.mu.Unlock()
	clear(c.tokens)
}

func (c *Cloud) answerMetadata(r *http.Request) reply {
	if r.Method != http.MethodGet && r.Method != http.MethodHead {
		return page(http.StatusMethodNotAllowed)
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	now := c.opts.Clock()
	if status := c.checkToken(r.Header, now); status != http.StatusOK {
		return page(status)
	}
	path, ok := strings.CutPrefix(r.URL.Path+"/", metadataRoot)
	if !ok {
		return page(http.StatusNotFound)
	}
	return c.lookUp(strings.TrimSuffix(path, "/"), now)
}

// checkToken returns 200 or the status that refuses the request. c.mu is held.
func (c *Cloud) checkToken(h http.Header, now time.Time) int {
	token := h.Get(tokenHeader)
	if token == "" {
		if c.opts.AllowTokenless {
			return http.StatusOK
		}
		return c.opts.TokenlessStatus
	}
	if end, ok := c.tokens[token]; !ok || !now.Before(end) {
		return http.StatusUnauthorized
	}
	return http.StatusOK
}

// lookUp answers with the item at a path below /latest/, or with the list of
// what is below it, directories with a trailing slash. c.mu is held.
func (c *Cloud) lookUp(path string, now time.Time) reply {
	items := c.metadataItems()
	if role, ok := strings.CutPrefix(path, credentialsPath); ok && role != "" {
		if _, known := items[path]; !known {
			return page(http.StatusNotFound)
		}
		return textReply(c.credentialsDocument(now))
	}
	if text, ok := items[path]; ok {
		return textReply(text)
	}
	prefix := strings.TrimSuffix(path, "/")
	if prefix != "" {
		prefix += "/"
	}
	names := make(map[string]bool)
	for item := range items {
		if rest, ok := strings.CutPrefix(item, prefix); ok {
			name, _, below := strings.Cut(rest, "/")
			if below {
				name += "/"
			}
			names[name] = true
		}
	}
	if len(names) == 0 {
		return page(http.StatusNotFound)
	}
	return textReply(strings.Join(slices.Sorted(maps.Keys(names)), "\n"))
}

// metadataItems returns all items by their path below /latest/, without
// those that have no value. c.mu is held.
func (c *Cloud) metadataItems() map[string]string {
	in, ok := c.instances[c.current]
	if !ok {
		return nil
	}
	enis := c.guestENIs(in.ID)
	var primary ENI
	if i := slices.IndexFunc(enis, func(e ENI) bool { return e.Type == TypePrimary }); i >= 0 {
		primary = enis[i]
	}
	mac := strings.ToLower(primary.MAC)
	items := map[string]string{
		"meta-data/instance-id":              in.ID,
		"meta-data/region-id":                in.Region,
		"meta-data/zone-id":                  in.Zone,
		"meta-data/owner-account-id":         in.Owner,
		"meta-data/instance/instance-type":   in.Type,
		"meta-data/instance/instance-name":   in.ID,
		"meta-data/hostname":                 in.ID,
		"meta-data/network-type":             "vpc",
		"meta-data/mac":                      mac,
		"meta-data/private-ipv4":             primary.PrivateIP,
		"meta-data/vpc-id":                   primary.VPCID,
		"meta-data/vswitch-id":               primary.VSwitchID,
		"dynamic/instance-identity/document": identityDocument(in, mac, primary.PrivateIP),
	}
	for _, e := range enis {
		dir := "meta-data/network/interfaces/macs/" + strings.ToLower(e.MAC) + "/"
		items[dir+"network-interface-id"] = e.ID
		items[dir+"vpc-id"] = e.VPCID
		items[dir+"vswitch-id"] = e.VSwitchID
		items[dir+"primary-ip-address"] = e.PrivateIP
		if e.PrivateIP != "" {
			items[dir+"private-ipv4s"] = fmt.Sprintf("[%q]", e.PrivateIP)
		}
	}
	maps.DeleteFunc(items, func(_, text string) bool { return text == "" })
	if in.RoleName != "" {
		items[credentialsPath+in.RoleName] = "" // made on request
	}
	return items
}

// guestENIs returns the ENIs that are NICs of an instance: attached, not
// hidden, and no members of a trunk, which the guest sees as VLANs. c.mu is held.
func (c *Cloud) guestENIs(instance string) []ENI {
	var out []ENI
	for _, r := range c.enis {
		e := r.eni
		if e.InstanceID == instance && e.Status == StatusInUse && e.Type != TypeMember && !e.HiddenFromMetadata {
			out = append(out, e)
		}
	}
	return out
}

func identityDocument(in Instance, mac, ip string) string {
	return mustJSON(struct {
		Zone       string `json:"zone-id"`
		InstanceID string `json:"instance-id"`
		Region     string `json:"region-id"`
		PrivateIP  string `json:"private-ipv4"`
		Owner      string `json:"owner-account-id"`
		MAC        string `json:"mac"`
		Type       string `json:"instance-type"`
	}{in.Zone, in.ID, in.Region, ip, in.Owner, mac, in.Type})
}

// credentialsDocument renders the role's credentials; times are UTC. c.mu is held.
func (c *Cloud) credentialsDocument(now time.Time) string {
	k := c.roleKey(now)
	return mustJSON(struct {
		AccessKeyID     string `json:"AccessKeyId"`
		AccessKeySecret string
		Expiration      string
		SecurityToken   string
		LastUpdated     string
		Code            string
	}{k.id, k.secret, k.expires.UTC().Format(timestampForm), k.securityToken, k.issued.UTC().Format(timestampForm), "Success"})
}

// mustJSON marshals a document of this package; they all can be.
func mustJSON(document any) string {
	text, err := json.Marshal(document)
	if err != nil {
		panic(fmt.Sprintf("ecssim: %T cannot be marshalled: %v", document, err))
	}
	return string(text)
}

func textReply(text string) reply {
	return reply{status: http.StatusOK, contentType: "text/plain", body: []byte(text)}
}

// page renders a status as the small page that the metadata service shows,
// which a client must not take for a value.
func page(status int) reply {
	title := fmt.Sprintf("%d - %s", status, http.StatusText(status))
	body := `<?xml version="1.0" encoding="iso-8859-1"?>
<html xmlns="http://www.w3.org/1999/xhtml" xml:lang="en" lang="en">
 <head>
  <title>` + title + `</title>
 </head>
 <body>
  <h1>` + title + `</h1>
 </body>
</html>
`
	return reply{status: status, contentType: "text/html", body: []byte(body)}
}
