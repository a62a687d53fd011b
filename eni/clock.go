package eni

import (
	"context"
	"errors"
	"net/http"
	"time"
)

// MaxClockSkew is how far this machine's clock may be from the cloud's: the ECS
// API refuses a signature whose time is further off.
const MaxClockSkew = 15 * time.Minute

// errNoDate is the cause when a server does not tell the time.
var errNoDate = errors.New("the answer has no Date header that can be read")

// ClockSkew returns how far this machine's clock is ahead of the ECS endpoint's,
// to about a second. It asks without a signature and without credentials, so
// that an answer of any kind also proves the endpoint reachable. Its failures
// are [*Error]; ErrMalformed when the endpoint does not tell the time.
func (c *Client) ClockSkew(ctx context.Context) (time.Duration, error) {
	return clockSkew(ctx, c.http, "clock of "+c.endpoint.Host, c.endpoint.String(), c.timeout)
}

// ClockSkew returns how far this machine's clock is ahead of the metadata
// service's, as [Client.ClockSkew] does.
func (m *Metadata) ClockSkew(ctx context.Context) (time.Duration, error) {
	return clockSkew(ctx, m.http, "clock of "+m.base.Host, m.base.JoinPath("latest/").String(), m.timeout)
}

// clockSkew compares the middle of a request with the time that the answer
// tells. The Date header counts whole seconds; half a second is added.
func clockSkew(ctx context.Context, client *http.Client, what, url string, timeout time.Duration) (time.Duration, error) {
	limited, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	req, err := http.NewRequestWithContext(limited, http.MethodGet, url, http.NoBody)
	if err != nil {
		return 0, invalid(what, "%v", withoutURL(err))
	}
	before := time.Now()
	resp, err := client.Do(req)
	if err != nil {
		return 0, transportFailure(ctx, limited, what, err, nil, timeout)
	}
	_ = resp.Body.Close()
	after := time.Now()
	date, err := http.ParseTime(resp.Header.Get("Date"))
	if err != nil {
		return 0, &Error{Action: what, Class: ClassMalformed, HTTPStatus: resp.StatusCode, Message: errNoDate.Error(), cause: errNoDate}
	}
	middle := before.Add(after.Sub(before) / 2)
	return middle.Sub(date.Add(500 * time.Millisecond)), nil
}
