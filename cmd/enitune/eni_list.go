package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/enitune/enitune/agent"
	"github.com/enitune/enitune/eni"
	"github.com/enitune/enitune/internal/enireport"
)

// selection is which ENIs `eni list` shows; the zero value is this instance's.
type selection struct {
	instance string
	all      bool
}

func (a *app) eniListCommand(f *eniFlags) *cobra.Command {
	var s selection
	cmd := &cobra.Command{
		Use:   "list",
		Short: "List the ENIs of this instance, of another one, or of the account",
		Long: `list shows the ENIs of the instance that it runs on, those of another cloud
service included. --instance names another instance; --all means every ENI of
the account in the region.`,
		Example: `  enitune eni list
  enitune eni list --instance i-bp67acfmxazb4p1 --region cn-hangzhou
  enitune eni list --all -o json`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if s.all && s.instance != "" {
				return errors.New("--all and --instance exclude each other: --all lists the ENIs of every instance")
			}
			c, err := a.connect(cmd, *f, !s.all && s.instance == "")
			if err != nil {
				return err
			}
			return a.listENIs(cmd.Context(), c, s)
		},
	}
	cmd.Flags().StringVar(&s.instance, "instance", "", "`id` of another instance, i-…")
	cmd.Flags().BoolVar(&s.all, "all", false, "every ENI of the account in the region")
	return cmd
}

func (a *app) listENIs(ctx context.Context, c *cloudSide, s selection) error {
	line := newProgress(a.stderr)
	list, err := c.enis(ctx, s, func(found, total int) {
		line.say("reading the ENIs of %s: %d of %s …", c.region, found, number(total))
	})
	line.done()
	if err != nil {
		return c.explain(err)
	}
	doc := enireport.List{Version: enireport.Version, Region: c.region, Instance: s.instance, ENIs: enireport.FromENIs(list)}
	if doc.Instance == "" && !s.all {
		doc.Instance = c.self.InstanceID
	}
	if a.output != "table" {
		return a.printDocument(doc)
	}
	_, err = fmt.Fprint(a.stdout, listText(doc, a.painter()))
	return err
}

// enis reads the selected ENIs. The instance filter leaves out those that
// another cloud service manages; of this instance the metadata service knows
// them too.
func (c *cloudSide) enis(ctx context.Context, s selection, page func(found, total int)) ([]eni.NetworkInterface, error) {
	if s.all {
		return c.client.NetworkInterfaces(ctx, eni.Query{All: true, OnPage: page})
	}
	instance := s.instance
	if instance == "" {
		instance = c.self.InstanceID
	}
	list, err := c.client.NetworkInterfaces(ctx, eni.Query{InstanceID: instance, OnPage: page})
	if err != nil || c.metadata == nil || instance != c.self.InstanceID {
		return list, err
	}
	interfaces, err := c.metadata.Interfaces(ctx)
	if err != nil {
		return nil, err
	}
	var missing []string
	for _, i := range interfaces {
		known := func(n eni.NetworkInterface) bool { return n.ID == i.ENI || n.MAC == i.MAC }
		if i.ENI != "" && !slices.ContainsFunc(list, known) {
			missing = append(missing, i.ENI)
		}
	}
	if len(missing) == 0 {
		return list, nil
	}
	more, err := c.client.NetworkInterfaces(ctx, eni.Query{IDs: missing, OnPage: page})
	return append(list, more...), err
}

// listText is the list for a person.
func listText(doc enireport.List, p painter) string {
	where := doc.Region
	if doc.Instance != "" {
		where = doc.Instance + " in " + doc.Region
	}
	head := p.paint(bold, plural(len(doc.ENIs), "ENI")+" of "+where)
	if doc.Instance == "" {
		head = p.paint(bold, plural(len(doc.ENIs), "ENI")+" in "+where)
	}
	if len(doc.ENIs) == 0 {
		return head + "\n"
	}
	header := []string{"eni", "type", "status", "mac", "ip", "queues", "rings", "name"}
	if doc.Instance == "" {
		header = slices.Insert(header, 5, "instance")
	}
	var rows [][]string
	for _, e := range doc.ENIs {
		row := []string{e.ID, orDash(e.Type), orDash(e.Status), orDash(e.MAC), orDash(e.PrivateIP), count(e.Queues), rings(e), orDash(e.Name)}
		if doc.Instance == "" {
			row = slices.Insert(row, 5, orDash(e.Instance))
		}
		rows = append(rows, row)
	}
	return head + "\n\n" + columns(header, rows, "queues") + "\n" + problemLines(doc.ENIs, p)
}

func problemLines(list []enireport.ENI, p painter) string {
	var b strings.Builder
	for _, e := range list {
		if e.Problem != "" {
			b.WriteString(p.paint(yellow, "note") + " " + e.Problem + "\n")
		}
	}
	return b.String()
}

// rings are an ENI's queue depths, rx/tx: from the API where it gives them, else
// from the tags that `eni set` writes.
func rings(e enireport.ENI) string {
	depth := func(top *int, nested func(*enireport.TrafficConfig) *int, tag string) string {
		if top == nil && e.TrafficConfig != nil {
			top = nested(e.TrafficConfig)
		}
		if top != nil {
			return count(top)
		}
		if i := slices.IndexFunc(e.Tags, func(t enireport.Tag) bool { return t.Key == tag }); i >= 0 {
			return orDash(e.Tags[i].Value)
		}
		return "-"
	}
	rx := depth(e.RxQueueSize, func(c *enireport.TrafficConfig) *int { return c.RxQueueSize }, agent.TagRxQueueSize)
	tx := depth(e.TxQueueSize, func(c *enireport.TrafficConfig) *int { return c.TxQueueSize }, agent.TagTxQueueSize)
	if rx == "-" && tx == "-" {
		return "-"
	}
	return rx + "/" + tx
}
