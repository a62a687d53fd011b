package main

import (
	"context"
	"crypto/tls"
	"fmt"
	"net"
	"os"
	"path/filepath"

	"golang.org/x/sync/errgroup"

	"github.com/enitune/enitune/internal/ecssim"
)

const (
	demoRegion   = "cn-hangzhou"
	demoInstance = "i-bp1demo0000000000001"
	demoType     = "ecs.g8i.2xlarge"
	demoRole     = "EnituneDemoRole"
	caFile       = "ca.pem"
)

// cloud is the simulated cloud with the demo's instance in it.
type cloud struct{ *ecssim.Cloud }

func newCloud() *cloud {
	c := ecssim.New(ecssim.Options{})
	c.PutInstanceType(ecssim.InstanceType{
		InstanceTypeID: demoType, InstanceTypeFamily: "ecs.g8i", CPUCoreCount: new(8),
		PrimaryEniQueueNumber: new(8), SecondaryEniQueueNumber: new(8), MaximumQueueNumberPerEni: new(8), TotalEniQueueQuantity: new(32),
	})
	c.SetInstance(ecssim.Instance{
		ID: demoInstance, Region: demoRegion, Zone: demoRegion + "-i", Type: demoType, Owner: "1609000000000001", RoleName: demoRole,
	})
	return &cloud{c}
}

// attach gives the instance an ENI with a number of queues.
func (c *cloud) attach(id string, index int, kind string, nic nicSpec, queues int) {
	c.PutENI(ecssim.ENI{
		ID: id, MAC: nic.mac, Type: kind, InstanceID: demoInstance, DeviceIndex: index, QueueNumber: &queues,
		VPCID: "vpc-bp1demo0000000000001", VSwitchID: "vsw-bp1demo0000000000001", PrivateIP: fmt.Sprintf("192.168.0.%d", 11+index),
	})
}

// serve answers at the real address of the metadata service and at the real name of the API until ctx ends, and writes the
// authority that the API's certificate needs.
func (c *cloud) serve(ctx context.Context, group *errgroup.Group, folder string) error {
	certificate, authority, err := ecssim.SelfSignedTLS(ecsHost)
	if err != nil {
		return fmt.Errorf("make the API's certificate: %w", err)
	}
	if err := os.WriteFile(filepath.Join(folder, caFile), authority, 0o644); err != nil {
		return err
	}
	var config net.ListenConfig
	metadata, err := config.Listen(ctx, "tcp", metadataAddress+":80")
	if err != nil {
		return fmt.Errorf("metadata service: %w", err)
	}
	group.Go(func() error { return ecssim.Serve(ctx, metadata, c.Metadata(), nil) })
	api, err := config.Listen(ctx, "tcp", "127.0.0.1:443")
	if err != nil {
		return fmt.Errorf("ECS API: %w", err)
	}
	group.Go(func() error {
		return ecssim.Serve(ctx, api, c.ECS(), &tls.Config{Certificates: []tls.Certificate{certificate}, MinVersion: tls.VersionTLS12})
	})
	return nil
}

// goDark makes the metadata service and the API drop every connection without an answer, until ClearFaults.
func (c *cloud) goDark() {
	c.SetFaults(
		ecssim.Fault{Target: ecssim.TargetToken, Drop: true},
		ecssim.Fault{Target: ecssim.TargetMetadata, Drop: true},
		ecssim.Fault{Target: ecssim.TargetECS, Drop: true},
	)
}
