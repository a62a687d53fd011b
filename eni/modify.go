package eni

import (
	"context"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"
)

// After a change of unknown outcome the ENI is read for lostFor if the answer was
// lost, or for failedFor if the API itself said that it failed, before the change
// counts as not shown: changes lag. The pauses double from settleFirst to
// settleMost.
const (
	lostFor     = 10 * time.Second
	failedFor   = 2 * time.Second
	settleFirst = 250 * time.Millisecond
	settleMost  = 2 * time.Second
)

// Modify changes an ENI (ModifyNetworkInterfaceAttribute): the whole of m or,
// when the API refuses any part of it, nothing. Nil means that the API accepted
// it. A request that the API definitely did not carry out, because of throttling
// or because no byte of it was sent, is repeated like any other call.
//
// After a failure that may have come after the API did its work (a timeout or a
// reset once the request was on its way, HTTP 5xx, a reply that cannot be
// understood) the ENI is read. If it has what m asks for, that is success. If it
// does not show it for a while, the change is sent again only where the API
// itself answered that it failed; where the answer was lost, or it cannot be told,
// as for ring sizes, which the API gives back in no documented reply, the error is
// an [*AmbiguousError]. So is every later failure once an answer was lost.
//
// All other errors are an [*Error]. At most [ClientOptions.Attempts] requests are sent.
func (c *Client) Modify(ctx context.Context, eniID string, m Modification) error {
	const action = "ModifyNetworkInterfaceAttribute"
	if !isWord(eniID) {
		return invalid(action, "ENI id %q: want an id such as eni-bp67acfmxazb4p1", eniID)
	}
	params := m.Params()
	if len(params) == 0 {
		return invalid(action, "%s: nothing to change: want at least one parameter", eniID)
	}
	params["NetworkInterfaceId"] = eniID
	return c.modify(ctx, action, eniID, m, params)
}

func (c *Client) modify(ctx context.Context, action, eniID string, m Modification, params map[string]string) error {
	// A connection that the server closed meanwhile would make the outcome
	// unknown for nothing.
	c.http.CloseIdleConnections()
	delays := newBackOff(firstAPIDelay)
	uncertain := false // an earlier request may have been carried out
	for n := 1; ; n++ {
		_, failure := c.once(ctx, action, params)
		if failure == nil {
			return nil
		}
		failure.Attempts = n
		uncertain = uncertain || failure.ambiguous()
		again := failure.Class.retryable() && n < c.attempts
		if uncertain {
			done, err := c.settle(ctx, eniID, m, failure)
			if done || err != nil {
				return err
			}
			if again = again && failure.answered(); !again {
				return notShown(eniID, m, failure)
			}
		}
		if !again {
			return failure
		}
		if err := wait(ctx, delays, failure); err != nil {
			if uncertain {
				return notShown(eniID, m, failure)
			}
			return err
		}
	}
}

// ambiguous says whether the cloud may have done what it was asked.
func (e *Error) ambiguous() bool {
	switch {
	case e.Code == "SignatureNonceUsed":
		return true // this very request was there before, resent on the way
	case e.Class == ClassServer, e.Class == ClassMalformed, e.Class == ClassNetwork, e.Class == ClassCanceled:
		return e.sent || e.HTTPStatus != 0
	default:
		return false
	}
}

// answered says whether the API itself said that the request failed.
func (e *Error) answered() bool {
	return e.Code != "" && e.Class != ClassMalformed && e.Class != ClassNetwork && e.Class != ClassCanceled
}

// notShown is a change that an ENI does not show, and that may still come.
func notShown(eniID string, m Modification, failure *Error) error {
	return &AmbiguousError{ENI: eniID, Fields: m.fields(), Reason: "the ENI did not show it afterwards, and changes can lag",
		Hint: "look in a minute: enitune eni show " + eniID, cause: failure}
}

// settle finds out what became of a change after failure: done is true if the ENI
// has it, false if the ENI does not show it for a while. Anything else is an
// *AmbiguousError.
func (c *Client) settle(ctx context.Context, eniID string, m Modification, failure *Error) (done bool, err error) {
	unknown := func(reason string) error {
		return &AmbiguousError{ENI: eniID, Fields: m.fields(), Reason: reason, Hint: "see with: enitune eni show " + eniID, cause: failure}
	}
	left := lostFor
	if failure.answered() {
		left = failedFor
	}
	for pause := settleFirst; ; pause = min(2*pause, settleMost) {
		if ctx.Err() != nil {
			return false, unknown("there was no time left to look")
		}
		current, err := c.read(ctx, eniID, m)
		if err != nil {
			return false, unknown("reading the ENI afterwards failed: " + err.Error())
		}
		differing, untold := m.outcome(current)
		switch {
		case len(differing) == 0 && len(untold) == 0:
			c.log.DebugContext(ctx, "a change was made although its request failed", "eni", eniID, "failure", failure.Error())
			return true, nil
		case len(differing) == 0:
			return false, &AmbiguousError{ENI: eniID, Fields: untold, Reason: "the API does not give them back", Hint: whereToLook(untold), cause: failure}
		case left <= 0:
			return false, nil
		}
		left -= pause
		select {
		case <-ctx.Done():
		case <-time.After(pause):
		}
	}
}

// whereToLook says where the values of fields show that no reply of the API has.
func whereToLook(fields []string) string {
	for _, f := range fields {
		if strings.HasSuffix(f, "_queue_size") {
			return "the guest shows it after the instance's next start: ethtool -g DEVICE"
		}
	}
	return "look in the ECS console"
}

// read reads what the API gives back of m's fields.
func (c *Client) read(ctx context.Context, eniID string, m Modification) (NetworkInterface, error) {
	if m.ConnectionTracking != nil {
		return c.NetworkInterfaceDetail(ctx, eniID)
	}
	return c.NetworkInterface(ctx, eniID)
}

// outcome compares what m asks for with what the API says afterwards, and returns
// the fields that differ and those of which it says nothing.
func (m Modification) outcome(current NetworkInterface) (differing, untold []string) {
	for _, p := range m.parameters() {
		if !p.isSet() {
			continue
		}
		switch p.shown(current) {
		case differs:
			differing = append(differing, p.field)
		case silent:
			untold = append(untold, p.field)
		case holds:
		}
	}
	return differing, untold
}

// Holds says whether the API's reply shows all that m asks for, leaving out what
// the API does not give back, which it returns: ring sizes, as a rule. It is for
// waiting until a change shows.
func (m Modification) Holds(current NetworkInterface) (holds bool, untold []string) {
	differing, untold := m.outcome(current)
	return len(differing) == 0, untold
}

// fields names what m changes.
func (m Modification) fields() []string {
	var names []string
	for _, p := range m.parameters() {
		if p.isSet() {
			names = append(names, p.field)
		}
	}
	return names
}

// maxTags is how many tags one request takes.
const maxTags = 20

// Tag sets tags on an ENI and leaves its other tags (TagResources): 1 to 20 of
// them. It can be repeated without harm, and is, like a read. Failures are an [*Error].
func (c *Client) Tag(ctx context.Context, eniID string, tags map[string]string) error {
	const action = "TagResources"
	if !isWord(eniID) {
		return invalid(action, "ENI id %q: want an id such as eni-bp67acfmxazb4p1", eniID)
	}
	if len(tags) == 0 || len(tags) > maxTags {
		return invalid(action, "%s: %d tags: want 1 to %d", eniID, len(tags), maxTags)
	}
	params := map[string]string{"ResourceType": "eni", "ResourceId.1": eniID}
	for i, key := range slices.Sorted(maps.Keys(tags)) {
		if key == "" {
			return invalid(action, "%s: a tag without a key", eniID)
		}
		n := strconv.Itoa(i + 1)
		params["Tag."+n+".Key"], params["Tag."+n+".Value"] = key, tags[key]
	}
	_, err := c.call(ctx, action, params)
	return err
}
