package agent

import (
	"errors"
	"fmt"
	"net"
	"slices"
	"strings"

	"github.com/enitune/enitune/nic"
	"github.com/enitune/enitune/plan"
)

// check tells what in a desired state no read of the cloud could have given. The
// checksum proves that a file is whole, not that its writer was in order: what is
// read from disk is held to what is read from the cloud, so that neither an old
// version's fault nor a hand's writes to a NIC what the cloud could not ask for.
func (d Desired) check() error {
	switch {
	case d.InstanceID == "":
		return errors.New("it names no instance")
	case !plainID(d.InstanceID):
		return fmt.Errorf("instance_id is %.80q, which is no id", d.InstanceID)
	case d.Region != "" && (!plainID(d.Region) || strings.ContainsAny(d.Region, "._")):
		return fmt.Errorf("region is %.80q, which is no region", d.Region)
	case d.InstanceType != "" && !plainID(d.InstanceType):
		return fmt.Errorf("instance_type is %.80q, which is none", d.InstanceType)
	}
	for i, e := range d.ENIs {
		if err := e.check(); err != nil {
			return fmt.Errorf("enis[%d]: %w", i, err)
		}
	}
	return nil
}

func (e ENI) check() error {
	switch {
	case !plainID(e.ID):
		return fmt.Errorf("id is %.80q, which is no id", e.ID)
	case e.MAC != "" && (!plainMAC(e.MAC) || len(e.MAC) != len("00:16:3e:00:00:01")):
		return fmt.Errorf("mac is %.80q, which is no address in lower case with colons", e.MAC)
	case e.Type != plainWord(e.Type), e.Status != plainWord(e.Status):
		return fmt.Errorf("type is %.80q and status %.80q, which are no words", e.Type, e.Status)
	case e.UnresolvedClass != "" && !slices.Contains(Classes(), e.UnresolvedClass):
		return fmt.Errorf("unresolved_class is %.80q, which is none", e.UnresolvedClass)
	}
	for i, v := range e.Values {
		if err := v.check(); err != nil {
			return fmt.Errorf("values[%d]: %w", i, err)
		}
		if slices.ContainsFunc(e.Values[:i], func(w Value) bool { return w.Setting == v.Setting && w.Source == v.Source }) {
			return fmt.Errorf("values[%d]: %s has a second value from %s", i, v.Setting, v.Source)
		}
	}
	return nil
}

func (v Value) check() error {
	most := maxRing
	if v.Setting == nic.Queues {
		most = maxQueues
	}
	switch {
	case !slices.Contains(nic.Settings(), v.Setting):
		return errors.New("it has no setting")
	case v.Source != plan.API && v.Source != plan.Tag && v.Source != plan.InstanceType:
		return fmt.Errorf("source is %q, which is none of the cloud's", v.Source)
	case v.Value < 1 || v.Value > most:
		return fmt.Errorf("%s is %d, outside 1 to %d", v.Setting, v.Value, most)
	}
	return nil
}

// plainMAC tells whether an address is written as the kernel's are here: in lower
// case, with colons.
func plainMAC(s string) bool {
	mac, err := net.ParseMAC(s)
	return err == nil && mac.String() == s
}
