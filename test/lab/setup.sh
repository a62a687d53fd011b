#!/bin/sh
# Prepares this machine for the tests that boot guests (go test -tags lab): installs the missing tools and unpacks the
# guests' kernels and a Debian disk (debian.sh) under .cache/lab. Safe to run again, and quick when everything is there.
#
# Environment:
#   ENITUNE_LAB_KERNELS  a directory with kernels of your own, unpacked as KERNELS/6.1/{boot,lib} and KERNELS/6.12/{boot,lib};
#                        nothing is downloaded then
#   CI=true              what is missing is an error even where it could not be expected to be there
set -eu

root=$(cd "$(dirname "$0")/../.." && pwd)
cache=$root/.cache/lab
kernels=${ENITUNE_LAB_KERNELS:-$cache/kernels}
series_wanted="6.1 6.12"

me="lab setup"
# shellcheck source=test/apt.sh
. "$root/test/apt.sh"

# Debian package of each program that the labs use.
tools="qemu-system-x86_64:qemu-system-x86 busybox:busybox-static ethtool:ethtool ip:iproute2 xz:xz-utils zstd:zstd ldd:libc-bin
	mmdebstrap:mmdebstrap qemu-img:qemu-utils mkfs.ext4:e2fsprogs depmod:kmod systemctl:systemd"

missing_packages() {
	# shellcheck disable=SC2086 # a list
	missing $tools
	# Without static linking busybox can't run in a guest.
	if command -v busybox >/dev/null 2>&1 && ldd "$(command -v busybox)" >/dev/null 2>&1; then
		printf 'busybox-static '
	fi
}

install_tools() {
	# shellcheck disable=SC2046 # a list
	apt_install $(missing_packages)
	packages=$(missing_packages)
	[ -z "$packages" ] || die "still missing after the installation: $packages"
}

# newest_package SERIES prints the newest signed cloud kernel of that series in the package archive.
newest_package() {
	case $1 in
	6.1) pattern='^linux-image-6\.1\.0-[0-9]+-cloud-amd64$' ;;
	*) pattern="^linux-image-$(echo "$1" | sed 's/\./\\./g')[.0-9]*\\+deb[0-9]+(\\.[0-9]+)?-cloud-amd64\$" ;;
	esac
	apt-cache search --names-only "$pattern" | cut -d' ' -f1 | sort -V | tail -n1
}

has_kernel() {
	for image in "$kernels/$1"/boot/vmlinuz-*; do
		[ -e "$image" ] && return 0
	done
	return 1
}

# fetch_kernel SERIES downloads and unpacks a kernel without installing it.
fetch_kernel() {
	package=
	if command -v apt-get >/dev/null 2>&1; then
		package=$(newest_package "$1")
		if [ -z "$package" ] && [ "$(id -u)" = 0 ]; then
			apt_update
			package=$(newest_package "$1")
		fi
	fi
	if [ -z "$package" ]; then
		say "no Debian cloud kernel $1 in this machine's package archive (Debian 12 has 6.1 and 6.12); take" \
			"linux-image-$1*-cloud-amd64*.deb from a Debian mirror, unpack it with dpkg -x FILE.deb KERNELS/$1" \
			"and set ENITUNE_LAB_KERNELS=KERNELS"
		return 1
	fi
	say "fetching $package"
	work=$(mktemp -d "$cache/fetch.XXXXXX")
	trap 'rm -rf "$work"' EXIT
	if ! apt_download "$package" "$work"; then
		[ "$(id -u)" = 0 ] || die "download of $package failed; if the archive has moved on, type: sudo apt-get update"
		apt_update # the archive has moved on
		package=$(newest_package "$1")
		apt_download "$package" "$work" || die "download of $package failed"
	fi
	mkdir -p "$work/tree" "$kernels"
	dpkg -x "$work"/*.deb "$work/tree"
	chmod 755 "$work/tree"
	rm -rf "${kernels:?}/$1"
	mv "$work/tree" "$kernels/$1"
	rm -rf "$work"
	trap - EXIT
}

install_tools
mkdir -p "$cache"
echo '*' >"$root/.cache/.gitignore"
lacking=
for series in $series_wanted; do
	has_kernel "$series" && continue
	if [ -n "${ENITUNE_LAB_KERNELS:-}" ]; then
		say "no kernel $series: $kernels/$series/boot/vmlinuz-* does not exist (ENITUNE_LAB_KERNELS=$ENITUNE_LAB_KERNELS)"
		lacking="$lacking $series"
	else
		fetch_kernel "$series" || lacking="$lacking $series"
	fi
done
if [ -n "$lacking" ]; then
	[ "${CI:-}" = true ] && die "guests can't be booted with:$lacking"
	say "tests with these kernels will be skipped:$lacking"
fi
"$root/test/lab/debian.sh" "$kernels" || {
	[ "${CI:-}" = true ] && die "the Debian disk could not be made; see the messages above"
	say "tests with a Debian disk will be skipped: it could not be made; see the messages above"
}
say "ready: $kernels"
