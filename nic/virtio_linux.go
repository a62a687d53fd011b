package nic

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
)

// ringResetBit is VIRTIO_F_RING_RESET (virtio 1.2, section 6): a queue can be
// reset alone, which virtio_net needs to change a ring's size (Linux 6.1).
const ringResetBit = 40

// virtioRingReset tells whether a virtio device's driver negotiated ring reset.
// Without it virtio_net shows its ring sizes and refuses to change them, with
// EOPNOTSUPP before Linux 6.1 and ENOENT since. True if that cannot be found
// out: the kernel's answer to a write then tells. sure is false if it may be found out
// later.
func virtioRingReset(device string) (reset, sure bool) {
	data, err := os.ReadFile(filepath.Join("/sys/bus/virtio/devices", filepath.Base(device), "features"))
	if err != nil {
		return true, errors.Is(err, fs.ErrNotExist)
	}
	return hasFeature(data, ringResetBit), true
}

// hasFeature reads sysfs's form of virtio features: one character 0 or 1 for
// each bit, bit 0 first.
func hasFeature(features []byte, bit int) bool {
	return bit < len(features) && features[bit] == '1'
}
