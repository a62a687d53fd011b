package nic

import (
	"testing"
	"unsafe"

	"github.com/safchain/ethtool"
)

// The kernel fills what it is given as far as its own structures go.
func TestRepliesHaveTheKernelsSizes(t *testing.T) {
	for name, size := range map[string][2]uintptr{
		"struct ethtool_channels":  {unsafe.Sizeof(channelsReply{}), unsafe.Sizeof(ethtool.Channels{})},
		"struct ethtool_ringparam": {unsafe.Sizeof(ringReply{}), unsafe.Sizeof(ethtool.Ring{})},
		"struct ethtool_drvinfo":   {unsafe.Sizeof(driverReply{}), 196},
		"struct ifreq":             {unsafe.Sizeof(ethtoolRequest{}), 40},
		"struct ifreq of an index": {unsafe.Sizeof(indexRequest{}), 40},
	} {
		if size[0] != size[1] {
			t.Errorf("%s: %d bytes, want %d", name, size[0], size[1])
		}
	}
}
