package ecssim

import (
	"bytes"
	"fmt"

	"github.com/goccy/go-yaml"
)

// Layout is a cloud written down, for labs and the demo.
type Layout struct {
	// Instance is the one that the metadata service answers for.
	Instance Instance `yaml:"instance"`
	// OtherInstances exist for the ECS API only.
	OtherInstances []Instance `yaml:"other_instances"`
	// Types are instance types besides the built-in ones, or in their place.
	Types []InstanceType `yaml:"types"`
	ENIs  []ENI          `yaml:"enis"`
	// Keys are static access keys.
	Keys []Key `yaml:"keys"`
	// Role is the RAM role of Instance; "" for none.
	Role string `yaml:"role"`
}

// Key is a static access key of a layout.
type Key struct {
	ID     string `yaml:"id"`
	Secret string `yaml:"secret"`
}

// String shows the id only.
func (k Key) String() string { return k.ID }

// ParseLayout reads a layout. An unknown key is an error with line and
// column, and so is what Validate refuses.
func ParseLayout(text []byte) (Layout, error) {
	var l Layout
	if err := yaml.NewDecoder(bytes.NewReader(text), yaml.Strict()).Decode(&l); err != nil {
		return Layout{}, fmt.Errorf("layout: %w", err)
	}
	if err := l.validate(); err != nil {
		return Layout{}, fmt.Errorf("layout: %w", err)
	}
	return l, nil
}

func (l Layout) validate() error {
	if l.Instance.ID == "" || l.Instance.Region == "" || l.Instance.Type == "" {
		return fmt.Errorf("instance: id, region and type must be set")
	}
	ids, macs := make(map[string]bool), make(map[string]string)
	for i, e := range l.ENIs {
		if err := e.Validate(); err != nil {
			return fmt.Errorf("enis[%d]: %w", i, err)
		}
		if ids[e.ID] {
			return fmt.Errorf("enis[%d]: id %s is given twice; ids must differ", i, e.ID)
		}
		if other, taken := macs[e.MAC]; taken {
			return fmt.Errorf("enis[%d]: mac %s is that of %s too; MAC addresses must differ", i, e.MAC, other)
		}
		ids[e.ID], macs[e.MAC] = true, e.ID
	}
	for i, k := range l.Keys {
		if k.ID == "" || k.Secret == "" {
			return fmt.Errorf("keys[%d]: id and secret must be set", i)
		}
	}
	for i, t := range l.Types {
		if t.InstanceTypeID == "" {
			return fmt.Errorf("types[%d]: instance_type_id must be set", i)
		}
	}
	return nil
}

// Load puts everything in the layout into the cloud, beside what is there.
func (c *Cloud) Load(l Layout) {
	for _, t := range l.Types {
		c.PutInstanceType(t)
	}
	for _, in := range l.OtherInstances {
		c.PutInstance(in)
	}
	c.SetInstance(l.Instance)
	if l.Role != "" {
		c.SetRole(l.Role)
	}
	for _, e := range l.ENIs {
		c.PutENI(e)
	}
	for _, k := range l.Keys {
		c.AddAccessKey(k.ID, k.Secret)
	}
}
