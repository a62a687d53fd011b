package main

import (
	"github.com/spf13/cobra"
)

// eniFlags are the flags that all `eni` commands share.
type eniFlags struct {
	region  string
	network string
}

func (a *app) eniCommand() *cobra.Command {
	var f eniFlags
	cmd := &cobra.Command{
		Use:   "eni",
		Short: "Show and change ENIs through the ECS API",
		Long: `The eni commands show and change the cloud's side: elastic network interfaces
(ENIs) and what an instance type allows. They run on an instance or on any other
machine with credentials for the ECS API, and need no root.

The region is the first of --region, cloud.region in the configuration,
ALIBABA_CLOUD_REGION_ID, the region of --profile, the metadata service's (on an
instance), the region of the aliyun CLI's current profile.`,
		Example: `  enitune eni list
  enitune eni limits
  enitune eni set eni-bp67acfmxazb4p1 --queues 8 --dry-run`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	cmd.PersistentFlags().StringVar(&f.region, "region", "", "`id` of the region, such as cn-hangzhou")
	cmd.PersistentFlags().StringVar(&f.network, "endpoint-network", "", "`vpc|public`: which of the region's API endpoints; default: vpc on an instance, else public")
	cmd.AddCommand(a.eniListCommand(&f), a.eniShowCommand(&f), a.eniLimitsCommand(&f), a.eniSetCommand(&f))
	return cmd
}
