package ecssim

import "time"

const (
	alphanumeric = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"

	// renewBefore is how long before their end role credentials are replaced.
	// The cloud's own lead time is not documented; clients renew minutes ahead.
	renewBefore = 30 * time.Minute
)

// accessKey is one key that requests can be signed with. Role credentials
// have a security token and an end, static keys have neither.
type accessKey struct {
	id, secret    string
	securityToken string
	issued        time.Time
	expires       time.Time
}

// temporary tells role credentials from static keys.
func (k accessKey) temporary() bool { return k.securityToken != "" }

// AddAccessKey makes a static key known.
func (c *Cloud) AddAccessKey(id, secret string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.keys[id] = accessKey{id: id, secret: secret}
}

// SetRole changes the RAM role of the current instance; "" takes it away, and
// the metadata service then answers 404. Credentials already issued stay valid.
// Without a current instance it does nothing.
func (c *Cloud) SetRole(name string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if in, ok := c.instances[c.current]; ok {
		in.RoleName = name
		c.instances[c.current] = in
	}
}

// RotateCredentials ends all role credentials at once. The next request to
// the metadata service gets new ones; requests signed with the old ones are
// answered InvalidSecurityToken.Expired.
func (c *Cloud) RotateCredentials() {
	c.mu.Lock()
	defer c.mu.Unlock()
	now := c.opts.Clock()
	for id, k := range c.keys {
		if k.temporary() {
			k.expires = now
			c.keys[id] = k
		}
	}
	c.roleKeyID = ""
}

// roleKey returns the credentials that the metadata service hands out now,
// issuing new ones when the last are about to end. c.mu is held.
func (c *Cloud) roleKey(now time.Time) accessKey {
	if k, ok := c.keys[c.roleKeyID]; ok && k.expires.Sub(now) > min(renewBefore, c.opts.CredentialLifetime/2) {
		return k
	}
	k := accessKey{
		id:            "STS." + c.text(24, alphanumeric),
		secret:        c.text(44, alphanumeric),
		securityToken: "CAIS" + c.text(160, alphanumeric+"+/"),
		issued:        now,
		expires:       now.Add(c.opts.CredentialLifetime),
	}
	c.keys[k.id] = k
	c.roleKeyID = k.id
	return k
}

// knownToken says whether some role credentials carry this security token.
// c.mu is held.
func (c *Cloud) knownToken(token string) bool {
	for _, k := range c.keys {
		if k.temporary() && k.securityToken == token {
			return true
		}
	}
	return false
}
