package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/vishvananda/netlink"
	"golang.org/x/sync/errgroup"
	"golang.org/x/sys/unix"
)

const (
	hostsFile       = "/etc/hosts"
	metadataAddress = "100.100.100.200"
	ecsHost         = "ecs-vpc." + demoRegion + ".aliyuncs.com"
	configFile      = "demo.yaml"
)

// inside sets the scene in the private namespaces, tells the story, and gives the demo's exit code.
func inside(ctx context.Context, o options, h handed, stdout *os.File) (int, error) {
	if err := prepare(h); err != nil {
		if errors.Is(err, fs.ErrPermission) { // AppArmor lets the namespace be made and takes its privileges away
			err = explain(err, os.Geteuid() == 0 && !h.userNamespace, os.ReadFile)
		}
		return 1, err
	}
	servers, stopServers := context.WithCancel(ctx)
	group, servers := errgroup.WithContext(servers)
	s, err := newStage(o, h, newScreen(stdout))
	if err == nil {
		err = s.cloud.serve(servers, group, h.folder)
	}
	code := 1
	if err == nil {
		code = s.perform(ctx)
	}
	stopServers()
	return code, errors.Join(err, group.Wait(), s.close())
}

// prepare makes the namespaces usable: mounts stop propagating to the outside, lo is up with the metadata service's
// address, and the API's name leads here.
func prepare(h handed) error {
	current, err := os.Readlink("/proc/self/ns/net")
	if err != nil {
		return fmt.Errorf("read the network namespace's identity: %w", err)
	}
	if current == h.network {
		return fmt.Errorf("%s is set, but this is no private network namespace; unset it", networkKey)
	}
	if err := unix.Mount("none", "/", "", unix.MS_REC|unix.MS_PRIVATE, ""); err != nil {
		return fmt.Errorf("make the mounts private: %w", err)
	}
	lo, err := netlink.LinkByName("lo")
	if err != nil {
		return fmt.Errorf("find lo: %w", err)
	}
	if err := netlink.LinkSetUp(lo); err != nil {
		return fmt.Errorf("bring lo up: %w", err)
	}
	addr, err := netlink.ParseAddr(metadataAddress + "/32")
	if err != nil {
		return err
	}
	if err := netlink.AddrAdd(lo, addr); err != nil {
		return fmt.Errorf("put %s on lo: %w", metadataAddress, err)
	}
	return bindHosts(h.folder)
}

// bindHosts mounts an extended copy over /etc/hosts, visible in this mount namespace only.
func bindHosts(folder string) error {
	content, err := os.ReadFile(hostsFile)
	if err != nil {
		return err
	}
	file := filepath.Join(folder, "hosts")
	// The first line that has a name wins.
	content = append([]byte("127.0.0.1\t"+ecsHost+"\n"), content...)
	if err := os.WriteFile(file, content, 0o644); err != nil {
		return err
	}
	if err := unix.Mount(file, hostsFile, "", unix.MS_BIND, ""); err != nil {
		return fmt.Errorf("mount %s over %s: %w", file, hostsFile, err)
	}
	return nil
}
