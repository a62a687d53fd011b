package config

import (
	"path"
	"strings"
)

// Match chooses NICs. Every field that is not "" must fit; a Match without any
// fits every NIC. Device, ENI and MAC are shell globs as of path.Match.
type Match struct {
	Device string `yaml:"device"`
	ENI    string `yaml:"eni"`
	MAC    string `yaml:"mac"`  // lower case
	Type   string `yaml:"type"` // Primary, Secondary, Trunk or Member
}

// Fits reports whether a NIC is chosen. A NIC whose ENI is not known has eni
// and eniType "" and fits no Match that asks for them. The mac may be of either
// case.
func (m Match) Fits(device, eni, mac, eniType string) bool {
	return fits(m.Device, device) &&
		fits(m.ENI, eni) &&
		fits(m.MAC, strings.ToLower(mac)) &&
		(m.Type == "" || m.Type == eniType)
}

// fits matches one glob. An empty value fits no pattern, not even "*": a rule
// that names a key means NICs that have it.
func fits(pattern, value string) bool {
	if pattern == "" {
		return true
	}
	ok, err := path.Match(pattern, value)
	return ok && err == nil && value != ""
}

// RuleFor is the first rule that fits the NIC, or DefaultRule.
func (c Config) RuleFor(device, eni, mac, eniType string) Rule {
	for _, r := range c.NICs {
		if r.Match.Fits(device, eni, mac, eniType) {
			return r
		}
	}
	return DefaultRule()
}

// eniTypes are the types that an ENI can have, from the API's documentation of
// DescribeNetworkInterfaces.
func eniTypes() []string {
	return []string{"Primary", "Secondary", "Trunk", "Member"}
}
