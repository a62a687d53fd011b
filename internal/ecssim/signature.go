package ecssim

import (
	"crypto/hmac"
	"crypto/sha1"
	"encoding/base64"
	"maps"
	"net/url"
	"slices"
	"strings"
	"time"
)

const (
	apiVersion = "2014-05-26"
	// clockTolerance is how far a request's timestamp may be from the cloud's
	// clock, and so also how long a nonce has to be remembered.
	clockTolerance = 15 * time.Minute
	timestampForm  = "2006-01-02T15:04:05Z"
)

// StringToSign returns the canonical form of a request that its signature
// covers: every parameter except Signature, sorted, percent-encoded.
func StringToSign(method string, parameters map[string]string) string {
	var canonical strings.Builder
	for _, name := range slices.Sorted(maps.Keys(parameters)) {
		if name == "Signature" {
			continue
		}
		if canonical.Len() > 0 {
			canonical.WriteByte('&')
		}
		canonical.WriteString(percentEncode(name) + "=" + percentEncode(parameters[name]))
	}
	return method + "&%2F&" + percentEncode(canonical.String())
}

// Sign returns the base64 HMAC-SHA1 signature of an RPC request.
func Sign(method string, parameters map[string]string, secret string) string {
	mac := hmac.New(sha1.New, []byte(secret+"&"))
	mac.Write([]byte(StringToSign(method, parameters)))
	return base64.StdEncoding.EncodeToString(mac.Sum(nil))
}

// percentEncode is RFC 3986 with only the unreserved characters left alone;
// QueryEscape differs from it in the blank.
func percentEncode(s string) string {
	return strings.ReplaceAll(url.QueryEscape(s), "+", "%20")
}

// authenticate verifies key, timestamp, security token, signature and nonce,
// in this order. c.mu is held.
func (c *Cloud) authenticate(method string, p params, now time.Time) error {
	if err := p.require("AccessKeyId", "Signature", "SignatureMethod", "SignatureVersion", "SignatureNonce", "Timestamp"); err != nil {
		return err
	}
	if p["SignatureMethod"] != "HMAC-SHA1" {
		return invalidParameter("SignatureMethod")
	}
	if p["SignatureVersion"] != "1.0" {
		return invalidParameter("SignatureVersion")
	}
	if err := checkTimestamp(p["Timestamp"], now); err != nil {
		return err
	}
	key, ok := c.keys[p["AccessKeyId"]]
	if !ok {
		return apiErrorf(codeAccessKeyNotFound, "Specified access key is not found.")
	}
	if err := c.checkSecurityToken(key, p["SecurityToken"], now); err != nil {
		return err
	}
	if !hmac.Equal([]byte(p["Signature"]), []byte(Sign(method, p, key.secret))) {
		// The real message repeats the string to sign too, AccessKeyId and
		// security token included: a client has to redact it.
		return apiErrorf(codeSignatureMismatch,
			"Specified signature is not matched with our calculation. server string to sign is:%s", StringToSign(method, p))
	}
	return c.useNonce(key.id+"\x00"+p["SignatureNonce"], now)
}

func checkTimestamp(text string, now time.Time) error {
	t, err := time.Parse(timestampForm, text)
	if err != nil {
		return apiErrorf(codeTimestampFormat, "Specified time stamp or date value is not well formatted.")
	}
	if now.Sub(t).Abs() > clockTolerance {
		return apiErrorf(codeTimestampExpired, "Specified time stamp or date value is expired.")
	}
	return nil
}

// checkSecurityToken verifies that the token is the key's. c.mu is held.
func (c *Cloud) checkSecurityToken(key accessKey, token string, now time.Time) error {
	switch {
	case token == "" && key.temporary():
		return apiErrorf(codeMissingSecurityToken, "SecurityToken is mandatory for this action.")
	case token == key.securityToken && (!key.temporary() || now.Before(key.expires)):
		return nil
	case token == key.securityToken:
		return apiErrorf(codeSecurityTokenExpired, "Specified SecurityToken is expired.")
	case c.knownToken(token):
		return apiErrorf(codeSecurityTokenMismatch, "Specified SecurityToken mismatch with the AccessKey.")
	default:
		return apiErrorf(codeSecurityTokenMalformed, "Specified SecurityToken is malformed.")
	}
}

// useNonce refuses a nonce that was used before and forgets those whose
// requests the timestamp check would refuse anyhow. c.mu is held.
func (c *Cloud) useNonce(nonce string, now time.Time) error {
	maps.DeleteFunc(c.nonces, func(_ string, end time.Time) bool { return now.After(end) })
	if _, used := c.nonces[nonce]; used {
		return apiErrorf(codeNonceUsed, "Specified signature nonce was used already.")
	}
	// A timestamp may be ahead by the tolerance and stay valid as long again.
	c.nonces[nonce] = now.Add(2 * clockTolerance)
	return nil
}
