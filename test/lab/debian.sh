#!/bin/sh
# Makes the disk that lab.NewDisk hands to guests: a Debian 12 with systemd, apt, rpm and dnf, and with the modules of every
# kernel of the lab, so that it boots with each. The result is a qcow2 image under .cache/lab, named by this recipe, and the
# link debian.qcow2 to it. Quick when it is there. setup.sh runs this script; the tools that it needs are installed by then.
#
# usage: debian.sh KERNELS    KERNELS is the directory with the unpacked kernels, KERNELS/6.1/{boot,lib} and so on
#
# Environment:
#   ENITUNE_LAB_MIRROR  a Debian mirror to use instead of deb.debian.org
set -eu

root=$(cd "$(dirname "$0")/../.." && pwd)
cache=$root/.cache/lab
kernels=$(cd "$1" && pwd)

say() { echo "lab disk: $*" >&2; }

# As root this runs as it is; another user needs a range of subordinate IDs (/etc/subuid), for the owners of the files.
as_root() {
	if [ "$(id -u)" = 0 ]; then "$@"; else unshare --map-root-user --map-auto -- "$@"; fi
}

packages=systemd,systemd-sysv,libpam-systemd,udev,dbus,iproute2,ethtool,kmod,procps,ca-certificates,strace,rpm,dnf

releases() {
	for image in "$kernels"/*/boot/vmlinuz-*; do
		[ -e "$image" ] && echo "${image##*/vmlinuz-}"
	done
}

key=$({ cat "$0"; releases; echo "${ENITUNE_LAB_MIRROR:-}"; } | sha256sum | cut -c1-16)
image=$cache/debian-$key.qcow2

link_image() { ln -sfn "${image##*/}" "$cache/debian.qcow2"; }

if [ -e "$image" ]; then
	link_image
	exit 0
fi

# Everything happens in $work; the last step is a rename. What a killed run leaves behind, the next one removes.
exec 9>"$cache/debian.lock"
flock 9
if [ -e "$image" ]; then # made while this run waited
	link_image
	exit 0
fi
as_root rm -rf "$cache"/debian.work.*
work=$(mktemp -d "$cache/debian.work.XXXXXX")
trap 'as_root rm -rf "$work"' EXIT
chmod 755 "$work"

say "making a Debian 12 disk; this takes a minute or two"
# What mmdebstrap runs inside needs no device but those that devtmpfs brings.
mmdebstrap --quiet --variant=minbase --include="$packages" --skip=output/dev \
	bookworm "$work/root.tar" ${ENITUNE_LAB_MIRROR:+"$ENITUNE_LAB_MIRROR"} >&2

cat >"$work/populate" <<'POPULATE'
set -eu
work=$1 kernels=$2
tree=$work/tree
mkdir "$tree"
tar -C "$tree" -xf "$work/root.tar" --numeric-owner

for image in "$kernels"/*/boot/vmlinuz-*; do
	release=${image##*/vmlinuz-}
	for lib in "${image%/boot/*}/lib" "${image%/boot/*}/usr/lib"; do
		[ -d "$lib/modules/$release" ] || continue
		mkdir -p "$tree/usr/lib/modules"
		cp -R "$lib/modules/$release" "$tree/usr/lib/modules/$release"
	done
	chown -R 0:0 "$tree/usr/lib/modules/$release"
	depmod -b "$tree" "$release"
done

echo lab >"$tree/etc/hostname"
printf '127.0.0.1\tlocalhost\n127.0.1.1\tlab\n' >"$tree/etc/hosts"
: >"$tree/etc/fstab"
mkdir -p "$tree/dev" "$tree/proc" "$tree/sys" "$tree/run" "$tree/var/log/journal" # a journal that outlives a boot
# The harness writes the networks, see lab.Options.
systemctl --root "$tree" --quiet enable systemd-networkd.service
# Nobody logs in, and nothing is to happen at times of its own.
systemctl --root "$tree" --quiet mask getty@tty1.service serial-getty@ttyS0.service systemd-networkd-wait-online.service \
	apt-daily.timer apt-daily-upgrade.timer dpkg-db-backup.timer e2scrub_all.timer fstrim.timer dnf-makecache.timer
mkfs.ext4 -q -F -L lab -d "$tree" "$work/disk.raw" 3G
POPULATE
as_root sh "$work/populate" "$work" "$kernels"

qemu-img convert -f raw -O qcow2 "$work/disk.raw" "$work/disk.qcow2"
mv "$work/disk.qcow2" "$image"
link_image
for old in "$cache"/debian-*.qcow2; do
	[ "$old" = "$image" ] || rm -f "$old"
done
say "ready: $image"
