package doctor

import (
	"errors"
	"fmt"

	"github.com/enitune/enitune/eni"
)

// Role is who needs a permission; each has a policy in docs/ram-policies. The
// zero value is invalid.
type Role uint8

// The roles, each with what those before it may do too.
const (
	_            Role = iota
	RoleAgent         // plan, apply, run
	RoleReader        // enitune eni list, show, limits; doctor
	RoleOperator      // enitune eni set
)

// Permission is a RAM permission that enitune makes use of.
type Permission struct {
	Action string // of the ECS API; the permission is named ecs:<Action>
	Role   Role   // the first that needs it
	For    string // what it is for
	Read   bool   // it can be tested by a harmless call
}

// Permissions lists all that enitune makes use of.
func Permissions() []Permission {
	return []Permission{
		{"DescribeNetworkInterfaces", RoleAgent, "the desired state of this instance's ENIs", true},
		{"DescribeInstanceTypes", RoleAgent, "the default queue number of an ENI where the API leaves it out, and quotas", true},
		{"DescribeNetworkInterfaceAttribute", RoleReader, "`enitune eni show` and `eni set`", true},
		{"DescribeInstances", RoleReader, "`enitune eni set`, which looks whether the instance is stopped", true},
		{"ModifyNetworkInterfaceAttribute", RoleOperator, "`enitune eni set`", false},
		{"TagResources", RoleOperator, "`enitune eni set` with ring sizes, which it notes in the ENI's tags", false},
	}
}

// String is the name of the role's policy.
func (r Role) String() string {
	switch r {
	case RoleAgent:
		return "read-only-agent"
	case RoleReader:
		return "reader"
	case RoleOperator:
		return "operator"
	default:
		return fmt.Sprintf("Role(%d)", uint8(r))
	}
}

// Roles lists the roles.
func Roles() []Role { return []Role{RoleAgent, RoleReader, RoleOperator} }

// checkPermissions judges each call that was tried. Who lacks what only the
// operator's commands need gets a note: an agent should lack it.
func checkPermissions(f Facts) []Finding {
	if !f.Cloud.Enabled {
		return nil
	}
	var found []Finding
	for _, p := range Permissions() {
		at := Finding{Check: CheckPermission, Object: "ecs:" + p.Action}
		probe, asked := probeOf(f.Cloud, p.Action)
		switch {
		case !p.Read:
			at.Status, at.Message = Note, "not tested: the API has no way to try it without writing (no DryRun); it is for "+p.For
		case !asked:
			continue
		case probe.Unasked != "":
			at.Status, at.Message = Note, "not tested: "+probe.Unasked
		case probe.Err == nil:
			at.Status, at.Message = OK, "granted"
		case errors.Is(probe.Err, eni.ErrDenied):
			at.Status, at.Message, at.Remedy = lacking(p, f.Cloud, probe.Err)
		default:
			at.Status, at.Message = Warn, "not known, the call failed otherwise: "+probe.Err.Error()
			if p.Action == "DescribeNetworkInterfaces" {
				at.Status, at.Message = Fail, "the desired state cannot be read: "+probe.Err.Error()
			}
		}
		found = append(found, at)
	}
	return found
}

func lacking(p Permission, c Cloud, err error) (status Status, message, remedy string) {
	status = Note
	switch {
	case p.Action == "DescribeNetworkInterfaces":
		status = Fail
	case p.Role == RoleAgent:
		status = Warn
	}
	who := "the RAM user or role whose credentials are used"
	if c.Role != "" && c.Source.Source == eni.SourceRAMRole {
		who = "the RAM role " + c.Role
	}
	return status, fmt.Sprintf("missing (%s); it is for %s", brief(err), p.For),
		fmt.Sprintf(`add the line "ecs:%s" to Action in a policy of %s, as docs/ram-policies/%s.json has it`, p.Action, who, p.Role)
}

// brief leaves of a refusal what is needed to look it up: its remedy is given
// here, in full.
func brief(err error) string {
	var e *eni.Error
	if !errors.As(err, &e) || e.Code == "" {
		return err.Error()
	}
	if e.RequestID == "" {
		return e.Code
	}
	return e.Code + ", request id " + e.RequestID
}

func probeOf(c Cloud, action string) (Probe, bool) {
	for _, p := range c.Probes {
		if p.Action == action {
			return p, true
		}
	}
	return Probe{}, false
}
