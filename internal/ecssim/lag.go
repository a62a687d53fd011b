package ecssim

import "time"

// Lag is how long a change of ModifyNetworkInterfaceAttribute stays hidden from
// Describe replies: until it was left out of so many replies that show the ENI,
// and until so much time has passed. The zero value hides nothing. Rules and
// quotas look at the true state all the time.
type Lag struct {
	Reads int
	For   time.Duration
}

// hidden is the state that Describe replies still show.
type hidden struct {
	eni   ENI
	reads int       // how many replies still show it
	until time.Time // until when they show it
}

// SetLag sets the lag of the changes to come.
func (c *Cloud) SetLag(lag Lag) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.lag = lag
}

// change stores a changed ENI, hidden for as long as the lag says. c.mu is held.
func (c *Cloud) change(i int, e ENI) {
	r := &c.enis[i]
	if c.lag.Reads > 0 || c.lag.For > 0 {
		r.old = &hidden{eni: r.eni, reads: c.lag.Reads, until: c.opts.Clock().Add(c.lag.For)}
	}
	r.eni = e
}

// shown is the ENI as a Describe reply has it now, and counts as one. c.mu is held.
func (c *Cloud) shown(i int) ENI {
	r := &c.enis[i]
	if r.old == nil {
		return r.eni.clone()
	}
	if r.old.reads <= 0 && !c.opts.Clock().Before(r.old.until) {
		r.old = nil
		return r.eni.clone()
	}
	r.old.reads--
	return r.old.eni.clone()
}
