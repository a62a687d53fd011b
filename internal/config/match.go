package config

// Match chooses NICs. Every field that is not "" must fit; a Match without any
// fits every NIC. Device, ENI and MAC are shell globs as of path.Match.
type Match struct {
	Device string `yaml:"device"`
	ENI    string `yaml:"eni"`
	MAC    string `yaml:"mac"`  // lower case
	Type   string `yaml:"type"` // Primary, Secondary, Trunk or Member
}

// eniTypes are the types that an ENI can have, from the API's documentation of
// DescribeNetworkInterfaces.
func eniTypes() []string {
	return []string{"Primary", "Secondary", "Trunk", "Member"}
}
