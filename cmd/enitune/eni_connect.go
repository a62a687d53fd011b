package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"time"

	"github.com/spf13/cobra"

	"github.com/enitune/enitune/eni"
	"github.com/enitune/enitune/internal/config"
)

// probeTimeout bounds the question whether this machine is an instance. On one
// the metadata service answers within milliseconds; elsewhere a packet to its
// address may vanish.
const probeTimeout = 2 * time.Second

// cloudSide is what the eni commands work with.
type cloudSide struct {
	cfg    config.Config
	client *eni.Client
	region string
	from   string // where the region comes from, in words
	// metadata and self are those of the instance this runs on; metadata is nil
	// where there is none.
	metadata *eni.Metadata
	self     eni.Identity
}

// connect finds out the region and makes a client for it. With self, the
// command is about the instance that it runs on, and fails where there is none.
func (a *app) connect(cmd *cobra.Command, f eniFlags, self bool) (*cloudSide, error) {
	cfg, err := a.config(cmd)
	if err != nil {
		return nil, err
	}
	log, err := a.logger()
	if err != nil {
		return nil, err
	}
	if f.network != "" && f.network != config.EndpointVPC && f.network != config.EndpointPublic {
		return nil, fmt.Errorf("--endpoint-network is %q: use vpc or public", f.network)
	}
	c := &cloudSide{cfg: cfg}
	if err := c.locate(cmd.Context(), f, a.profile, self); err != nil {
		return nil, err
	}
	c.client, err = eni.NewClient(eni.ClientOptions{
		Region: c.region, Endpoint: cfg.Cloud.ECSEndpoint, Network: c.network(f), MetadataURL: cfg.Cloud.MetadataURL, Profile: a.profile,
		Timeout: time.Duration(cfg.Cloud.Timeout), UserAgent: "enitune/" + build().Version, Log: log,
	})
	if err != nil {
		return nil, fmt.Errorf("%w (%s)", err, c.from)
	}
	return c, nil
}

// network picks the region's endpoint: the VPC's is not reached from outside.
func (c *cloudSide) network(f eniFlags) string {
	switch {
	case f.network != "":
		return f.network
	case c.metadata == nil && c.cfg.Cloud.ECSEndpoint == "":
		return config.EndpointPublic
	default:
		return c.cfg.Cloud.EndpointNetwork
	}
}

// locate finds the region, and where it matters the instance that this runs on.
func (c *cloudSide) locate(ctx context.Context, f eniFlags, profile string, self bool) error {
	choose := func(region, from string) {
		if c.region == "" && region != "" {
			c.region, c.from = region, from
		}
	}
	choose(f.region, "from --region")
	choose(c.cfg.Cloud.Region, "from cloud.region")
	if !self {
		choose(os.Getenv("ALIBABA_CLOUD_REGION_ID"), "from ALIBABA_CLOUD_REGION_ID")
		if profile != "" && c.region == "" {
			p, err := eni.CLIProfile(profile)
			if err != nil {
				return fmt.Errorf("--profile: %w", err)
			}
			choose(p.Region, "from the CLI profile "+p.Name)
		}
	}
	if self || c.region == "" || c.cfg.Cloud.ECSEndpoint == "" && f.network == "" {
		if err := c.identify(ctx, f, self); err != nil {
			return err
		}
		choose(c.self.RegionID, "from the metadata service")
	}
	if p, err := eni.CLIProfile(""); c.region == "" && err == nil {
		choose(p.Region, "from the CLI profile "+p.Name)
	}
	if c.region == "" {
		return errors.New("the region is not known: name it with --region cn-hangzhou, cloud.region in the configuration or ALIBABA_CLOUD_REGION_ID; " +
			"the metadata service does not answer (no ECS instance?) and no CLI profile has a region")
	}
	return nil
}

// identify asks the metadata service who this instance is. Only a command that
// is about this instance waits for it, and fails without it.
func (c *cloudSide) identify(ctx context.Context, f eniFlags, self bool) error {
	o := eni.MetadataOptions{BaseURL: c.cfg.Cloud.MetadataURL, Timeout: probeTimeout, Attempts: 1}
	if self {
		o.Timeout, o.Attempts = 0, 0
	}
	metadata, err := eni.NewMetadata(o)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, cmp.Or(o.Timeout, time.Duration(c.cfg.Cloud.Timeout)))
	defer cancel()
	id, err := metadata.Identity(ctx)
	if err == nil {
		c.metadata, c.self = metadata, id
	}
	if !self {
		return nil
	}
	if err == nil && f.region != "" && f.region != id.RegionID {
		return fmt.Errorf("--region is %s, but this instance is in %s; leave --region out, or name what you want there: --instance i-… or --all", f.region, id.RegionID)
	}
	if own := c.cfg.Cloud.InstanceID; own != "" && own != c.self.InstanceID {
		c.metadata, c.self = nil, eni.Identity{InstanceID: own, RegionID: c.self.RegionID}
		return nil
	}
	if err != nil {
		return fmt.Errorf("which instance this is cannot be found out: %w; on another machine than the instance name what you want: --instance i-… or --all, with --region", err)
	}
	return nil
}

// explain adds to a failed call what an operator may have overlooked: that an
// object of another region is not found.
func (c *cloudSide) explain(err error) error {
	if errors.Is(err, eni.ErrNotFound) {
		return fmt.Errorf("%w; looked in region %s (%s), another one is named with --region", err, c.region, c.from)
	}
	return err
}
