package config

import (
	"fmt"
	"slices"
	"strings"
	"time"
)

// longest is the upper end of intervals: 30 days.
const longest = 720 * time.Hour

// The limits of the numbers. The kernel's own are lower for every driver known:
// these only tell a slip of the finger from a wish.
const (
	maxBurst   = 1000
	maxQueues  = 2048
	maxEntries = 65536 // of one ring
)

// config reads the whole file; every key of the schema stands in this file.
func (d *decoder) config(v value, c *Config) {
	d.mapping(v,
		field{"cloud", func(v value) { d.cloud(v, &c.Cloud) }},
		field{"reconcile", func(v value) { d.reconcile(v, &c.Reconcile) }},
		field{"nics", func(v value) { d.nics(v, &c.NICs) }},
		field{"discovery", func(v value) { d.discovery(v, &c.Discovery) }},
		field{"web", func(v value) { d.web(v, &c.Web) }},
		field{"state_dir", func(v value) { d.text(v, &c.StateDir, absolutePath) }},
	)
}

func (d *decoder) cloud(v value, c *Cloud) {
	d.mapping(v,
		field{"enabled", func(v value) { d.boolean(v, &c.Enabled) }},
		field{"metadata_url", func(v value) { d.url(v, &c.MetadataURL, metadataURL) }},
		field{"ecs_endpoint", func(v value) { d.url(v, &c.ECSEndpoint, ecsEndpoint) }},
		field{"endpoint_network", func(v value) { d.oneOf(v, &c.EndpointNetwork, EndpointVPC, EndpointPublic) }},
		field{"region", func(v value) { d.text(v, &c.Region, region) }},
		field{"instance_id", func(v value) { d.text(v, &c.InstanceID, instanceID) }},
		field{"timeout", func(v value) { d.duration(v, &c.Timeout, time.Second, 5*time.Minute) }},
		field{"refresh_interval", func(v value) { d.duration(v, &c.RefreshInterval, time.Minute, longest) }},
	)
}

func (d *decoder) reconcile(v value, r *Reconcile) {
	d.mapping(v,
		field{"mode", func(v value) { d.mode(v, &r.Mode) }},
		field{"settings", func(v value) { d.settings(v, &r.Settings) }},
		field{"shrink", func(v value) { d.boolean(v, &r.Shrink) }},
		field{"resync_interval", func(v value) { d.duration(v, &r.ResyncInterval, time.Second, 24*time.Hour) }},
		field{"change_budget", func(v value) {
			d.mapping(v,
				field{"burst", func(v value) { d.integer(v, &r.ChangeBudget.Burst, 1, maxBurst) }},
				field{"per", func(v value) { d.duration(v, &r.ChangeBudget.Per, time.Second, longest) }},
			)
		}},
	)
}

func (d *decoder) discovery(v value, c *Discovery) {
	d.mapping(v,
		field{"virtual_devices", func(v value) { d.boolean(v, &c.VirtualDevices) }},
	)
}

func (d *decoder) web(v value, w *Web) {
	d.mapping(v,
		field{"listen", func(v value) { d.texts(v, &w.Listen, listenAddress) }},
		field{"config_file", func(v value) { d.text(v, &w.ConfigFile, absolutePathOrNone) }},
		field{"pprof", func(v value) { d.boolean(v, &w.Pprof) }},
	)
}

// nics reads the rules. No value (null) means no rules.
func (d *decoder) nics(v value, rules *[]Rule) {
	if d.isNull(v) {
		return
	}
	d.list(v, func(_ int, v value) {
		if d.isNull(v) {
			d.problemAt(v.node, v.path, "is empty; it must hold keys, such as match and queues: write {} for a rule that says nothing")
			return
		}
		r := DefaultRule()
		d.mapping(v,
			field{"match", func(v value) { d.match(v, &r.Match) }},
			field{"manage", func(v value) { d.boolean(v, &r.Manage) }},
			field{"queues", func(v value) { d.want(v, &r.Queues, maxQueues) }},
			field{"rx_ring", func(v value) { d.want(v, &r.RxRing, maxEntries) }},
			field{"tx_ring", func(v value) { d.want(v, &r.TxRing, maxEntries) }},
		)
		*rules = append(*rules, r)
	})
}

func (d *decoder) match(v value, m *Match) {
	d.mapping(v,
		field{"device", func(v value) { d.text(v, &m.Device, glob) }},
		field{"eni", func(v value) { d.text(v, &m.ENI, glob) }},
		field{"mac", func(v value) {
			d.text(v, &m.MAC, macGlob)
			m.MAC = strings.ToLower(m.MAC)
		}},
		field{"type", func(v value) { d.oneOf(v, &m.Type, append(eniTypes(), "")...) }},
	)
}

func (d *decoder) mode(v value, m *Mode) {
	word := m.String()
	d.oneOf(v, &word, ModeEnforce.String(), ModeObserve.String())
	for _, mode := range []Mode{ModeEnforce, ModeObserve} {
		if word == mode.String() {
			*m = mode
		}
	}
}

// settings reads a list of settings without repeats.
func (d *decoder) settings(v value, names *[]string) {
	d.texts(v, names, func(s string) error {
		if !slices.Contains(settingNames(), s) {
			return fmt.Errorf("is %.80q; it must be one of %s", s, strings.Join(settingNames(), ", "))
		}
		return nil
	})
}

// texts replaces dst with a list of different texts for which check has no error.
func (d *decoder) texts(v value, dst *[]string, check func(string) error) {
	var got []string
	d.list(v, func(_ int, v value) {
		s := ""
		d.text(v, &s, check)
		switch {
		case s == "": // a problem, and reported
		case slices.Contains(got, s):
			d.problemAt(v.node, v.path, "is %.80q again; keep it once", s)
		default:
			got = append(got, s)
		}
	})
	*dst = got
}

// url reads an address without the slash that may end it.
func (d *decoder) url(v value, dst *string, check func(string) error) {
	d.text(v, dst, check)
	*dst = strings.TrimSuffix(*dst, "/")
}
