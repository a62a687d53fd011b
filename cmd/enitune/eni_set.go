package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"time"

	"github.com/spf13/cobra"

	"github.com/enitune/enitune/eni"
	"github.com/enitune/enitune/internal/enireport"
)

// setOptions are how a change is made.
type setOptions struct {
	file        string
	force       bool
	dryRun      bool
	yes         bool
	noTags      bool
	wait        bool
	waitTimeout time.Duration
}

func (a *app) eniSetCommand(f *eniFlags) *cobra.Command {
	var o setOptions
	given := map[string]func(*eni.Modification){}
	cmd := &cobra.Command{
		Use:   "set ENI",
		Short: "Change attributes of an ENI, such as its queues",
		Long: `set changes attributes of an ENI (ModifyNetworkInterfaceAttribute). It reads the
ENI, its instance and its instance type first, says what stands in the way and
how to get there, shows the change as before -> after, and asks. What the ENI
already has is not sent again.

The number of queues can be changed while the ENI is detached or its instance is
stopped:

  enitune eni limits --instance i-…       # how many are allowed, how many left
  enitune eni set eni-… --queues 8        # says what stands in the way

Exit code: 0 done, or nothing to change, or a --dry-run without obstacle;
1 error, or not confirmed: nothing was changed; 2 a finding stands in the way:
nothing was changed; 3 changed, but the tags with the ring sizes could not be
set; 4 changed, but --wait ended before the API showed it; 5 the answer was lost,
and it is not known whether the ENI was changed.`,
		Example: `  enitune eni set eni-bp67acfmxazb4p1 --queues 8 --dry-run
  enitune eni set eni-bp67acfmxazb4p1 --queues 8 --wait
  enitune eni set eni-bp67acfmxazb4p1 --rx-queue-size 16384 --tx-queue-size 16384 --yes
  enitune eni set eni-bp67acfmxazb4p1 --file change.yaml`,
		Args: oneENI,
		RunE: func(cmd *cobra.Command, args []string) error {
			want, err := o.modification(cmd.Context(), given)
			if err != nil {
				return err
			}
			c, err := a.connect(cmd, *f, false)
			if err != nil {
				return a.failedEarly("", args[0], err)
			}
			return a.setENI(cmd.Context(), c, args[0], want, o)
		},
	}
	flags := cmd.Flags()
	flags.SortFlags = false
	addParameterFlags(cmd, given)
	flags.StringVarP(&o.file, "file", "f", "", "read the parameters from a YAML `file`, - for standard input; flags outdo it")
	flags.BoolVar(&o.dryRun, "dry-run", false, "show the change, the findings and the request, and send nothing")
	flags.BoolVarP(&o.yes, "yes", "y", false, "do not ask")
	flags.BoolVar(&o.force, "force", false, "send also what the ENI already has, and pass warnings; errors never pass")
	flags.BoolVar(&o.wait, "wait", false, "wait until the API shows the change")
	flags.DurationVar(&o.waitTimeout, "wait-timeout", 2*time.Minute, "`time` that --wait waits at most")
	flags.BoolVar(&o.noTags, "no-tags", false, "do not record ring sizes in the ENI's tags")
	return cmd
}

// modification joins the file and the flags, which outdo it.
func (o setOptions) modification(ctx context.Context, given map[string]func(*eni.Modification)) (eni.Modification, error) {
	var m eni.Modification
	switch {
	case o.waitTimeout <= 0:
		return m, fmt.Errorf("--wait-timeout is %v: give a time above 0, such as 2m", o.waitTimeout)
	case o.file == "-" && !o.yes && !o.dryRun:
		return m, errors.New("--file -: standard input holds the file, so nobody can be asked; add --yes to change the ENI, or --dry-run to look")
	case o.file != "":
		var err error
		if m, err = readChangeFile(ctx, o.file, os.Stdin); err != nil {
			return m, err
		}
	}
	for _, apply := range given {
		apply(&m)
	}
	if m.Empty() {
		return m, errors.New("nothing is asked for: give at least one parameter, such as --queues 8, or --file FILE; `enitune eni set --help` lists them all")
	}
	return m, nil
}

// setENI goes the whole way of a change, and prints how far it came.
func (a *app) setENI(ctx context.Context, c *cloudSide, id string, want eni.Modification, o setOptions) error {
	facts, notes, err := c.facts(ctx, id, want)
	if err != nil {
		return a.failedEarly(c.region, id, c.explain(err))
	}
	wish := enireport.Wish{ENI: id, Region: c.region, Want: want, Force: o.force, NoTags: o.noTags}
	doc, send := enireport.Plan(wish, facts, notes)
	s := &setter{app: a, cloud: c, options: o, facts: facts, doc: doc, send: send}
	if a.output == "table" {
		if _, err := io.WriteString(a.stdout, reviewText(doc, facts, o, a.painter())); err != nil {
			return err
		}
	}
	if doc.Result == enireport.ResultPlanned && !o.dryRun {
		s.carryOut(ctx)
	}
	return s.finish()
}

// failedEarly prints the document of a change for which not even the ENI could be
// read, where a document is asked for, and returns err.
func (a *app) failedEarly(region, id string, err error) error {
	if a.output == "table" {
		return err
	}
	return errors.Join(err, a.printDocument(enireport.Failed(region, id, err)))
}

// setter carries one change out.
type setter struct {
	app     *app
	cloud   *cloudSide
	options setOptions
	facts   eni.Facts
	doc     enireport.Change
	send    eni.Modification
	words   []string // for stderr, in order
}

// carryOut asks, changes, tags and waits. What becomes of it stands in s.doc.
func (s *setter) carryOut(ctx context.Context) {
	if why := s.confirm(ctx); why != "" {
		s.doc.Result, s.doc.Error = enireport.ResultDeclined, why
		s.doc.Next = []string{}
		s.words = append(s.words, why)
		return
	}
	if s.send.Empty() {
		s.tagAlone(ctx)
		return
	}
	if err := s.cloud.client.Modify(ctx, s.doc.ENI, s.send); err != nil {
		s.failed(err)
		return
	}
	s.doc.Result = enireport.ResultChanged
	s.tag(ctx)
	if s.options.wait {
		s.await(ctx)
	}
}

func (s *setter) failed(err error) {
	err = s.cloud.explain(err)
	s.doc.Result, s.doc.Error, s.doc.Next = enireport.ResultFailed, err.Error(), []string{}
	s.words = append(s.words, err.Error())
	if errors.Is(err, eni.ErrAmbiguous) {
		s.doc.Result = enireport.ResultUnknown
		if len(s.doc.Tags) > 0 {
			s.words = append(s.words, "the tags with the ring sizes were not set; the same command again does both")
		}
	}
}

// confirm asks for the change, and says why it may not be made; "" if it may.
func (s *setter) confirm(ctx context.Context) string {
	if s.options.yes {
		return ""
	}
	if !isTerminal(os.Stdin) || !isTerminal(s.app.stderr) {
		return "nothing was changed: without a terminal nobody can confirm it; add --yes to change the ENI, or --dry-run to look"
	}
	if s.app.output != "table" || !isTerminal(s.app.stdout) {
		fmt.Fprint(s.app.stderr, reviewText(s.doc, s.facts, s.options, false))
	}
	ok, err := ask(ctx, os.Stdin, s.app.stderr, "Change "+s.doc.ENI+"?")
	switch {
	case ctx.Err() != nil:
		return "interrupted; nothing was changed"
	case err != nil:
		return fmt.Sprintf("nothing was changed: the answer could not be read: %v", err)
	case !ok:
		return "nothing was changed: not confirmed"
	default:
		return ""
	}
}

// tag records the ring sizes for the guest's agent.
func (s *setter) tag(ctx context.Context) {
	if len(s.doc.Tags) == 0 {
		return
	}
	if err := s.sendTags(ctx); err != nil {
		s.doc.TagError = err.Error()
		s.untagged(fmt.Sprintf("warning: %s was changed, but its tags with the ring sizes could not be set", s.doc.ENI), err)
	}
}

// tagAlone records ring sizes that the ENI already has.
func (s *setter) tagAlone(ctx context.Context) {
	if err := s.sendTags(ctx); err != nil {
		s.doc.Result, s.doc.Error, s.doc.Next = enireport.ResultFailed, err.Error(), []string{}
		s.untagged(fmt.Sprintf("the tags of %s with the ring sizes could not be set", s.doc.ENI), err)
		return
	}
	s.doc.Result = enireport.ResultChanged
}

func (s *setter) sendTags(ctx context.Context) error {
	tags := map[string]string{}
	for _, t := range s.doc.Tags {
		tags[t.Key] = t.Value
	}
	return s.cloud.client.Tag(ctx, s.doc.ENI, tags)
}

// untagged says what came of it that the tags were not set, and what helps.
func (s *setter) untagged(what string, err error) {
	text := fmt.Sprintf("%s, so the agent in the guest does not learn them: %v", what, err)
	if errors.Is(err, eni.ErrDenied) {
		text += "\nthe RAM policy lacks this statement: " + enireport.RAMStatement("TagResources", s.cloud.region, s.doc.ENI)
	}
	s.words = append(s.words, text, "then run the same command again, or set the tags by hand: "+tagWords(s.doc.Tags))
}

func tagWords(tags []enireport.Tag) string {
	text := ""
	for i, t := range tags {
		if i > 0 {
			text += ", "
		}
		text += t.Key + "=" + t.Value
	}
	return text
}

// finish prints the end of it and gives the exit code.
func (s *setter) finish() error {
	if s.app.output != "table" {
		if err := s.app.printDocument(s.doc); err != nil {
			return err
		}
	} else if _, err := io.WriteString(s.app.stdout, outcomeText(s.doc, s.app.painter())); err != nil {
		return err
	}
	for _, text := range s.words {
		fmt.Fprint(s.app.stderr, prefixed(text))
	}
	if code := s.doc.ExitCode(); code != enireport.ExitDone {
		return exitCode(code)
	}
	return nil
}
