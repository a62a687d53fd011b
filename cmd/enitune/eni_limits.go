package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/enitune/enitune/eni"
	"github.com/enitune/enitune/internal/enireport"
)

// limitsOf says of what `eni limits` shows the limits; the zero value is this
// instance.
type limitsOf struct {
	instanceType string
	instance     string
}

func (a *app) eniLimitsCommand(f *eniFlags) *cobra.Command {
	var of limitsOf
	cmd := &cobra.Command{
		Use:   "limits",
		Short: "Show how many queues an instance type allows, and what is left of them",
		Long: `limits shows what an instance type allows: ENIs, queues of one ENI and of all
together, elastic RDMA interfaces (ERIs) and their queue pairs. Of the instance
that it runs on, or of --instance, it also shows what the ENIs use and what is
left. Of a type named with --instance-type it shows the limits alone.`,
		Example: `  enitune eni limits
  enitune eni limits --instance i-bp67acfmxazb4p1
  enitune eni limits --instance-type ecs.g8i.2xlarge --region cn-hangzhou`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if of.instanceType != "" && of.instance != "" {
				return errors.New("--instance-type and --instance exclude each other: an instance has its type")
			}
			c, err := a.connect(cmd, *f, of == limitsOf{})
			if err != nil {
				return err
			}
			doc, err := c.limits(cmd.Context(), of)
			if err != nil {
				return c.explain(err)
			}
			if a.output != "table" {
				return a.printDocument(doc)
			}
			_, err = fmt.Fprint(a.stdout, limitsText(doc, a.painter()))
			return err
		},
	}
	cmd.Flags().StringVar(&of.instanceType, "instance-type", "", "`type` to show, such as ecs.g7.xlarge")
	cmd.Flags().StringVar(&of.instance, "instance", "", "`id` of another instance, i-…")
	return cmd
}

func (c *cloudSide) limits(ctx context.Context, of limitsOf) (enireport.Limits, error) {
	name, instance := of.instanceType, of.instance
	if of == (limitsOf{}) {
		name, instance = c.self.InstanceType, c.self.InstanceID
	}
	if name == "" {
		in, err := c.instance(ctx, instance)
		if err != nil {
			return enireport.Limits{}, err
		}
		name = in.Type
	}
	t, err := c.instanceType(ctx, name)
	if err != nil {
		return enireport.Limits{}, err
	}
	var enis []eni.NetworkInterface
	if instance != "" {
		if enis, err = c.enis(ctx, selection{instance: instance}, nil); err != nil {
			return enireport.Limits{}, err
		}
	}
	return enireport.FromType(c.region, t, instance, enis), nil
}

// instance reads one instance.
func (c *cloudSide) instance(ctx context.Context, id string) (eni.Instance, error) {
	list, err := c.client.Instances(ctx, id)
	if err != nil {
		return eni.Instance{}, err
	}
	i := slices.IndexFunc(list, func(in eni.Instance) bool { return in.ID == id })
	if i < 0 {
		return eni.Instance{}, fmt.Errorf("instance %s %w: check the id and the region", id, eni.ErrNotFound)
	}
	return list[i], nil
}

// instanceType reads what one instance type allows.
func (c *cloudSide) instanceType(ctx context.Context, name string) (eni.InstanceType, error) {
	list, err := c.client.InstanceTypes(ctx, name)
	if err != nil {
		return eni.InstanceType{}, err
	}
	i := slices.IndexFunc(list, func(t eni.InstanceType) bool { return t.ID == name })
	if i < 0 {
		return eni.InstanceType{}, fmt.Errorf("instance type %s %w: check its spelling, such as ecs.g7.xlarge", name, eni.ErrNotFound)
	}
	return list[i], nil
}

// notPublished stands where a type's entry lacks a limit.
const notPublished = "not published for this type"

func limitsText(doc enireport.Limits, p painter) string {
	head := doc.InstanceType + " in " + doc.Region
	if doc.Instance != "" {
		head += ", " + doc.Instance
	}
	header := []string{"limit", "max"}
	if doc.Instance != "" {
		header = append(header, "used", "left")
	}
	var rows [][]string
	for _, l := range doc.Limits {
		row := []string{limitWords(l.Limit), known(l.Max)}
		if row[1] == "" {
			row[1] = notPublished
		}
		if doc.Instance != "" {
			row = append(row, count(l.Used), count(l.Left))
		}
		rows = append(rows, row)
	}
	var b strings.Builder
	b.WriteString(p.paint(bold, head) + "\n\n" + columns(header, rows, "used", "left") + "\n")
	if doc.SriovSupport != nil || doc.RssSupport != nil {
		b.WriteString("\n" + description([]pair{{"SR-IOV", supported(doc.SriovSupport)}, {"RSS", supported(doc.RssSupport)}}))
	}
	if sum := doc.Arithmetic(); sum != "" {
		b.WriteString("\nqueues in use: " + sum + "\n")
	}
	return b.String()
}

func limitWords(l enireport.LimitName) string {
	switch l {
	case enireport.LimitENIs:
		return "ENIs"
	case enireport.LimitQueuesPerENI:
		return "queues of one ENI"
	case enireport.LimitQueues:
		return "queues of all ENIs together"
	case enireport.LimitERIs:
		return "ERIs (RDMA)"
	case enireport.LimitQueuePairs:
		return "queue pairs of one ERI"
	case enireport.LimitVFQueues:
		return "VF queues of one ENI"
	case enireport.LimitPrimaryQueues:
		return "queues of the primary ENI by default"
	case enireport.LimitOtherQueues:
		return "queues of a secondary ENI by default"
	default:
		return string(l)
	}
}

func supported(b *bool) string {
	switch {
	case b == nil:
		return notPublished
	case *b:
		return "supported"
	default:
		return "not supported"
	}
}
