package nic

import (
	"fmt"
	"net"
)

// Addresses lists the hardware addresses in use in this network namespace, of
// devices of every kind, in lower-case colon form.
func Addresses() ([]string, error) {
	devices, err := net.Interfaces()
	if err != nil {
		return nil, fmt.Errorf("list the network devices: %w", err)
	}
	var list []string
	for _, d := range devices {
		if len(d.HardwareAddr) > 0 {
			list = append(list, d.HardwareAddr.String())
		}
	}
	return list, nil
}
