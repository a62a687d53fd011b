package eni

import (
	"context"
	"net/http"
	"strconv"
	"strings"
	"time"
)

const (
	tokenPath   = "api/token"
	tokenHeader = "X-Aliyun-Ecs-Metadata-Token"
	ttlHeader   = "X-Aliyun-Ecs-Metadata-Token-Ttl-Seconds"
	// tokenTTL is the longest that the service gives; it takes 1 to 21600 seconds.
	tokenTTL = 21600 * time.Second
	// tokenMargin is how long before its end a token is replaced.
	tokenMargin = 5 * time.Minute
)

// tokenCache holds the metadata token that is in use.
type tokenCache struct {
	lock    chan struct{} // holds one element while nobody has the lock
	token   string
	renewAt time.Time
}

func newTokenCache() tokenCache {
	lock := make(chan struct{}, 1)
	lock <- struct{}{}
	return tokenCache{lock: lock}
}

// get returns the token in use, or the one that fetch brings. One caller fetches;
// the others wait for it, or for their contexts. The lock is a channel for that.
func (c *tokenCache) get(ctx context.Context, action string, fetch func(context.Context) (string, *Error)) (string, *Error) {
	select {
	case <-c.lock:
	case <-ctx.Done():
		return "", ended(ctx, action, "while waiting for a metadata token")
	}
	defer func() { c.lock <- struct{}{} }()
	if c.token != "" && time.Now().Before(c.renewAt) {
		return c.token, nil
	}
	token, failure := fetch(ctx)
	if failure != nil {
		return "", failure
	}
	c.token, c.renewAt = token, time.Now().Add(tokenTTL-tokenMargin)
	return token, nil
}

// drop forgets token, unless another one has taken its place. It waits for the
// lock as long as ctx lasts.
func (c *tokenCache) drop(ctx context.Context, token string) {
	select {
	case <-c.lock:
	case <-ctx.Done():
		return
	}
	if c.token == token {
		c.token = ""
	}
	c.lock <- struct{}{}
}

// newToken asks for a token, once. The token itself appears in no error.
func (m *Metadata) newToken(ctx context.Context) (string, *Error) {
	const action = "metadata " + tokenPath
	ttl := strconv.Itoa(int(tokenTTL / time.Second))
	status, body, failure := m.request(ctx, action, http.MethodPut, tokenPath, http.Header{ttlHeader: {ttl}})
	switch {
	case failure != nil:
		return "", failure
	case status == http.StatusNotFound, status == http.StatusForbidden, status == http.StatusMethodNotAllowed,
		status == http.StatusUnauthorized:
		return "", &Error{
			Action: action, Class: ClassInvalid, HTTPStatus: status,
			Message: "the service gives no tokens, and enitune asks with a token only",
			Hint:    "check that " + m.base.Host + " is the ECS metadata service and that it is enabled for this instance",
		}
	case status != http.StatusOK:
		return "", statusFailure(action, status)
	}
	token := strings.TrimSpace(string(body))
	if !isToken(token) {
		return "", &Error{
			Action: action, Class: ClassMalformed, HTTPStatus: status,
			Message: "the reply to the token request is not a token (" + strconv.Itoa(len(body)) + " bytes)",
			Hint:    "check that " + m.base.Host + " is the ECS metadata service",
		}
	}
	return token, nil
}
