package main

import (
	"context"
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"github.com/enitune/enitune/eni"
	"github.com/enitune/enitune/internal/enireport"
	"github.com/enitune/enitune/nic"
)

func (a *app) eniShowCommand(f *eniFlags) *cobra.Command {
	return &cobra.Command{
		Use:   "show ENI",
		Short: "Show everything that is known of an ENI",
		Long: `show prints every attribute of an ENI that the API gives. Where the ENI is one
of this guest's, the NIC stands beside it, with its queues and rings.`,
		Example: `  enitune eni show eni-bp67acfmxazb4p1
  enitune eni show eni-bp67acfmxazb4p1 --region cn-hangzhou -o yaml`,
		Args: oneENI,
		RunE: func(cmd *cobra.Command, args []string) error {
			c, err := a.connect(cmd, *f, false)
			if err != nil {
				return err
			}
			return a.showENI(cmd.Context(), c, args[0])
		},
	}
}

// oneENI accepts exactly one argument, the id of an ENI.
func oneENI(cmd *cobra.Command, args []string) error {
	switch {
	case len(args) != 1:
		return fmt.Errorf("%s takes one ENI id, got %d arguments; `enitune eni list` shows the ids", cmd.CommandPath(), len(args))
	case !strings.HasPrefix(args[0], "eni-"):
		return fmt.Errorf("%q is no ENI id: want eni-…; `enitune eni list` shows the ids", args[0])
	default:
		return nil
	}
}

func (a *app) showENI(ctx context.Context, c *cloudSide, id string) error {
	n, err := c.client.NetworkInterfaceDetail(ctx, id)
	if err != nil {
		return c.explain(err)
	}
	doc := enireport.One{Version: enireport.Version, Region: c.region, ENI: enireport.FromENI(n)}
	if st, ok := nicOf(ctx, n, c.cfg.Discovery.VirtualDevices); ok {
		beside := enireport.FromNIC(st)
		doc.NIC = &beside
	}
	if a.output != "table" {
		return a.printDocument(doc)
	}
	_, err = fmt.Fprint(a.stdout, showText(doc, a.painter()))
	return err
}

// nicOf finds the guest's NIC with the ENI's address, and reads it. Where there
// is no such NIC, where several have the address, or where the kernel tells
// nothing, the ENI is shown by itself.
func nicOf(ctx context.Context, n eni.NetworkInterface, virtual bool) (nic.State, bool) {
	if n.MAC == "" {
		return nic.State{}, false
	}
	handle, err := nic.Open()
	if err != nil {
		return nic.State{}, false
	}
	defer handle.Close()
	list, err := handle.List(ctx, virtual)
	if err != nil {
		return nic.State{}, false
	}
	var found []nic.NIC
	for _, candidate := range list {
		if candidate.ID() == n.MAC {
			found = append(found, candidate)
		}
	}
	if len(found) != 1 {
		return nic.State{}, false
	}
	st, err := handle.Read(found[0])
	return st, err == nil
}

func showText(doc enireport.One, p painter) string {
	e := doc.ENI
	var b strings.Builder
	b.WriteString(p.paint(bold, e.ID) + " in " + doc.Region + "\n")
	b.WriteString(description([]pair{
		{"name", e.Name}, {"description", e.Description}, {"type", e.Type}, {"status", e.Status},
		{"managed by", managedBy(e)}, {"mac", e.MAC}, {"ip", e.PrivateIP},
		{"vpc", e.VPC}, {"vswitch", e.VSwitch}, {"zone", e.Zone},
		{"security groups", strings.Join(e.SecurityGroups, ", ")},
		{"delete on release", known(e.DeleteOnRelease)}, {"source/dest check", known(e.SourceDestCheck)},
	}))
	section := func(title string, pairs ...pair) {
		if text := description(pairs); text != "" {
			b.WriteString(p.paint(bold, title) + "\n" + text)
		}
	}
	section("attachment", attachmentPairs(e)...)
	section("queues", queuePairs(e)...)
	if c := e.TrafficConfig; c != nil {
		section("traffic config", pair{"mode", c.Mode}, pair{"queues", known(c.Queues)}, pair{"queue pairs", known(c.QueuePairs)},
			pair{"rx queue size", known(c.RxQueueSize)}, pair{"tx queue size", known(c.TxQueueSize)})
	}
	if x := e.Enhanced; x != nil {
		section("enhanced network", pair{"SR-IOV", known(x.Sriov)}, pair{"RSS", known(x.Rss)},
			pair{"VF queues in all", known(x.VFQueues)}, pair{"VFs", known(x.VFCount)})
	}
	if t := e.Tracking; t != nil {
		section("connection tracking, seconds", pair{"TCP established", known(t.TCPEstablished)},
			pair{"TCP closed and TIME_WAIT", known(t.TCPClosedAndTimeWait)}, pair{"UDP", known(t.UDP)})
	}
	var tags []pair
	for _, t := range e.Tags {
		tags = append(tags, pair{oneLine(t.Key), t.Value + " "})
	}
	section("tags", tags...)
	if doc.NIC != nil {
		section("NIC of this guest", nicPairs(*doc.NIC)...)
	}
	return trimLines(b.String()) + problemLines([]enireport.ENI{e}, p)
}

func managedBy(e enireport.ENI) string {
	switch {
	case !e.ServiceManaged:
		return ""
	case e.Service != "":
		return "another cloud service (" + e.Service + ")"
	default:
		return "another cloud service"
	}
}

func attachmentPairs(e enireport.ENI) []pair {
	pairs := []pair{{"instance", e.Instance}}
	if at := e.Attachment; at != nil {
		pairs = append(pairs, pair{"device index", known(at.DeviceIndex)}, pair{"network card", known(at.NetworkCardIndex)}, pair{"trunk", at.Trunk})
	}
	return pairs
}

func queuePairs(e enireport.ENI) []pair {
	number := known(e.Queues)
	if number == "" {
		number = "not given by the API: the instance type's default counts (enitune eni limits)"
	}
	size := rings(e)
	switch {
	case size == "-":
		size = "not given by the API"
	case e.RxQueueSize == nil && (e.TrafficConfig == nil || e.TrafficConfig.RxQueueSize == nil):
		size += " (from the tags; the API does not give it)"
	}
	return []pair{{"queues", number}, {"mode", e.TrafficMode}, {"queue pairs", known(e.QueuePairs)}, {"rx/tx queue size", size}}
}

func nicPairs(n enireport.NIC) []pair {
	pairs := []pair{{"device", n.Device}, {"driver", n.Driver}}
	for _, s := range n.Settings {
		value := fmt.Sprintf("%s of at most %s", number(s.Current), number(s.Max))
		if s.Error != "" {
			value = s.Error
		}
		pairs = append(pairs, pair{s.Setting.String(), value})
	}
	return pairs
}
