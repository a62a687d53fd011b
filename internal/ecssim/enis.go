package ecssim

import (
	"fmt"
	"slices"
)

// PutENI stores an ENI, replacing the one with the same id.
func (c *Cloud) PutENI(e ENI) {
	e = e.clone().withDefaults()
	c.mu.Lock()
	defer c.mu.Unlock()
	if i := c.eniIndex(e.ID); i >= 0 {
		c.enis[i].eni, c.enis[i].old = e, nil
		return
	}
	c.nextSeq++
	c.enis = append(c.enis, record{seq: c.nextSeq, eni: e})
}

// UpdateENI changes an ENI in place; ErrNoENI if there is none. The id stays
// what it is. change must not call the Cloud.
func (c *Cloud) UpdateENI(id string, change func(*ENI)) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	i := c.eniIndex(id)
	if i < 0 {
		return fmt.Errorf("ENI %s: %w", id, ErrNoENI)
	}
	e := c.enis[i].eni.clone()
	change(&e)
	e.ID = id
	c.enis[i].eni, c.enis[i].old = e.withDefaults().clone(), nil
	return nil
}

// RemoveENI deletes an ENI; ErrNoENI if there is none.
func (c *Cloud) RemoveENI(id string) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	i := c.eniIndex(id)
	if i < 0 {
		return fmt.Errorf("ENI %s: %w", id, ErrNoENI)
	}
	c.enis = slices.Delete(c.enis, i, i+1)
	return nil
}

// ENI returns one ENI; ErrNoENI if there is none.
func (c *Cloud) ENI(id string) (ENI, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	i := c.eniIndex(id)
	if i < 0 {
		return ENI{}, fmt.Errorf("ENI %s: %w", id, ErrNoENI)
	}
	return c.enis[i].eni.clone(), nil
}

// ENIs returns all ENIs in order of creation.
func (c *Cloud) ENIs() []ENI {
	c.mu.Lock()
	defer c.mu.Unlock()
	out := make([]ENI, 0, len(c.enis))
	for _, r := range c.enis {
		out = append(out, r.eni.clone())
	}
	return out
}

// eniIndex finds an ENI, -1 if there is none. c.mu is held.
func (c *Cloud) eniIndex(id string) int {
	return slices.IndexFunc(c.enis, func(r record) bool { return r.eni.ID == id })
}

// place returns the region and zone of an ENI: its own, else those of its
// instance, else those of the current instance. c.mu is held.
func (c *Cloud) place(e ENI) (region, zone string) {
	in, ok := c.instances[e.InstanceID]
	if !ok {
		in = c.instances[c.current]
	}
	region, zone = in.Region, in.Zone
	if e.Region != "" {
		region = e.Region
	}
	if e.Zone != "" {
		zone = e.Zone
	}
	return region, zone
}
