package eni

import (
	"context"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptrace"
	"net/url"
	"strconv"
	"sync/atomic"
	"time"
)

// maxReply bounds the body of an API reply in bytes. A page of 100 ENIs with
// everything on them stays below 1 MiB.
const maxReply = 8 << 20

// reply is the JSON body of a successful call, and what must not appear in any
// text about it.
type reply struct {
	body []byte
	hide secrets
}

// attempt makes one API call, once.
func (c *Client) attempt(ctx context.Context, action string, params map[string]string) (_ reply, failure *Error) {
	limited, cancel := context.WithTimeout(ctx, c.timeout)
	defer cancel()
	var sent atomic.Bool
	limited = httptrace.WithClientTrace(limited, &httptrace.ClientTrace{WroteHeaders: func() { sent.Store(true) }})
	defer func() {
		if failure != nil {
			failure.sent = sent.Load()
		}
	}()
	creds, err := c.credentials.get(limited)
	if err != nil {
		return reply{}, credentialFailure(ctx, action, err, c.timeout)
	}
	req, hide, failure := c.sign(limited, action, params, creds)
	if failure != nil {
		return reply{}, failure
	}
	resp, body, err := exchange(c.http, req, maxReply)
	if err != nil {
		return reply{}, transportFailure(ctx, limited, action, err, hide, c.timeout)
	}
	if resp.StatusCode != http.StatusOK {
		failure = refusal(action, resp, body, hide)
		failure.RetryAfter = retryAfter(resp.Header.Get("Retry-After"), time.Now())
		return reply{}, failure
	}
	if !json.Valid(body) {
		return reply{}, notJSON(action, resp, body, hide)
	}
	return reply{body, hide}, nil
}

// sign builds the signed request. The second result is what must not appear in any
// text about it.
func (c *Client) sign(ctx context.Context, action string, params map[string]string, creds snapshot) (*http.Request, secrets, *Error) {
	query := signedQuery(c.region, action, params, creds, time.Now())
	// The whole query comes first, so that nothing of it is left over.
	hide := append(secrets{query.Encode(), query.Get("Signature")}, creds.secrets()...)
	u := *c.endpoint
	u.Path, u.RawQuery = "/", query.Encode()
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, u.String(), http.NoBody)
	if err != nil {
		return nil, nil, &Error{Action: action, Class: ClassInvalid, Message: hide.scrub(withoutURL(err).Error())}
	}
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	req.Header.Set("X-Acs-Credentials-Provider", creds.ProviderName)
	req.Header.Set("User-Agent", c.userAgent)
	req.Header.Set("Accept-Encoding", "identity") // so that nothing small becomes something large
	return req, hide, nil
}

// errTooLarge: the body exceeds the limit.
var errTooLarge = errors.New("reply too large")

// exchange sends req and reads the reply, no more than limit bytes of it.
func exchange(client *http.Client, req *http.Request, limit int64) (*http.Response, []byte, error) {
	resp, err := client.Do(req)
	if err != nil {
		return nil, nil, err
	}
	defer func() { _ = resp.Body.Close() }()
	body, err := io.ReadAll(io.LimitReader(resp.Body, limit+1))
	if err != nil {
		return nil, nil, err
	}
	if int64(len(body)) > limit {
		return nil, nil, fmt.Errorf("%w: more than %d bytes", errTooLarge, limit)
	}
	return resp, body, nil
}

// transportFailure explains why no complete answer came. ctx is the caller's,
// limited the attempt's.
func transportFailure(ctx, limited context.Context, action string, err error, hide secrets, limit fmt.Stringer) *Error {
	switch {
	case errors.Is(err, errTooLarge):
		return &Error{Action: action, Class: ClassMalformed, Message: err.Error(), cause: err}
	case ctx.Err() != nil:
		return ended(ctx, action, "while waiting for the answer")
	case limited.Err() != nil:
		return &Error{Action: action, Class: ClassNetwork, Message: fmt.Sprintf("no answer within %v", limit)}
	default:
		err = withoutURL(err)
		e := &Error{Action: action, Class: ClassNetwork, Message: hide.scrub(err.Error()), cause: err}
		if invalid, ok := errors.AsType[x509.CertificateInvalidError](err); ok && invalid.Reason == x509.Expired {
			e.Hint = remedyDate // far more often than that a certificate of the cloud's runs out
		}
		return e
	}
}

// withoutURL unwraps each *url.Error, in which net/http quotes the whole URL.
func withoutURL(err error) error {
	for {
		e, ok := errors.AsType[*url.Error](err)
		if !ok {
			return err
		}
		err = e.Err
	}
}

// refusal reads the body of an answer that is not 200:
// {"RequestId","HostId","Code","Message","Recommend","AccessDeniedDetail"}. A
// detail that cannot be read is left out.
func refusal(action string, resp *http.Response, body []byte, hide secrets) *Error {
	e := &Error{Action: action, HTTPStatus: resp.StatusCode}
	f, err := parseObject(body)
	if err == nil {
		e.Code = hide.scrub(f.str("Code"))
		e.Message = hide.scrub(f.str("Message"))
		e.RequestID = hide.scrub(f.str("RequestId"))
		e.Recommend = hide.link(f.str("Recommend"))
		err = f.err
		e.Denial = denial(f, hide)
	}
	if err != nil || e.Code == "" {
		return badRefusal(action, resp, body, hide, err)
	}
	e.explain()
	return e
}

// retryAfter reads a Retry-After header: seconds or a date (RFC 9110, 10.2.3). It is
// not documented for the ECS API; whatever stands before it may send one.
func retryAfter(text string, now time.Time) time.Duration {
	if seconds, err := strconv.ParseUint(text, 10, 24); err == nil {
		return time.Duration(seconds) * time.Second
	}
	if at, err := http.ParseTime(text); err == nil {
		return max(0, at.Sub(now))
	}
	return 0
}

// badRefusal is for an error answer without a readable code: a proxy's page, a
// load balancer's text, a code that is a number.
func badRefusal(action string, resp *http.Response, body []byte, hide secrets, err error) *Error {
	e := notJSON(action, resp, body, hide)
	if json.Valid(body) {
		e.Message = "an error reply without a Code: got " + hide.snippet(body)
		if err != nil {
			e.Message = "an error reply that cannot be read: " + hide.scrub(err.Error())
		}
	}
	switch {
	case resp.StatusCode >= 500:
		e.Class = ClassServer
	case resp.StatusCode/100 == 3:
		e.Message = "the endpoint redirects, which the ECS API does not, and no redirect is followed"
	case resp.StatusCode == http.StatusTooManyRequests:
		e.Class = ClassThrottled
	}
	return e
}

func notJSON(action string, resp *http.Response, body []byte, hide secrets) *Error {
	kind := hide.scrub(resp.Header.Get("Content-Type"))
	if kind == "" {
		kind = "no content type"
	}
	return &Error{
		Action: action, Class: ClassMalformed, HTTPStatus: resp.StatusCode,
		Message: fmt.Sprintf("want JSON, got %s: %s", kind, hide.snippet(body)),
		Hint:    "check that the endpoint is the ECS API, and any proxy in between",
	}
}
