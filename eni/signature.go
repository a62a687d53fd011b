package eni

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha1"
	"encoding/base64"
	"net/url"
	"strings"
	"time"
)

// apiVersion is the version of the ECS API.
const apiVersion = "2014-05-26"

// signedQuery is the query of an API request in RPC style, as the SDK makes it
// too: the parameters, whose request it is and the signature. The SDK's own signer
// is not used, because with it comes a JSON library whose use of reflection keeps
// the linker from leaving out any method of any type. Source: Alibaba Cloud, "RPC
// request syntax and signature method".
func signedQuery(region, action string, params map[string]string, creds snapshot, now time.Time) url.Values {
	query := url.Values{}
	for name, value := range map[string]string{
		"Action": action, "Version": apiVersion, "Format": "JSON", "RegionId": region,
		"Timestamp":       now.UTC().Format("2006-01-02T15:04:05Z"),
		"AccessKeyId":     creds.AccessKeyId,
		"SignatureMethod": "HMAC-SHA1", "SignatureVersion": "1.0", "SignatureType": "",
		"SignatureNonce": rand.Text(), // 130 random bits; a nonce is accepted once
	} {
		query.Set(name, value)
	}
	for name, value := range params {
		query.Set(name, value)
	}
	if creds.SecurityToken != "" {
		query.Set("SecurityToken", creds.SecurityToken)
	}
	if creds.BearerToken != "" {
		query.Set("BearerToken", creds.BearerToken)
		query.Set("SignatureType", "BEARERTOKEN")
	}
	query.Set("Signature", signature("POST", query, creds.AccessKeySecret))
	return query
}

// signature is the base64 of the HMAC-SHA1 of the method, the path and the
// parameters but itself, sorted by name, under the secret and an ampersand.
func signature(method string, query url.Values, secret string) string {
	// Encode sorts. It encodes what RFC 3986 wants to be encoded, but for the space.
	canonical := strings.ReplaceAll(query.Encode(), "+", "%20")
	mac := hmac.New(sha1.New, []byte(secret+"&"))
	mac.Write([]byte(method + "&%2F&" + url.QueryEscape(canonical)))
	return base64.StdEncoding.EncodeToString(mac.Sum(nil))
}
