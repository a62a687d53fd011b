#!/bin/sh
# Prepares this machine for the tests against other programs that set NICs (go test
# -tags netns ./test/reliability/rivals): installs ethtool and what else is missing,
# and unpacks Debian's TuneD under .cache/rivals without installing it, so that no
# service starts here. Safe to run again, and quick when everything is there.
#
# With CI=true what is missing is an error; else the tests that need it are skipped.
set -eu

root=$(cd "$(dirname "$0")/../../.." && pwd)
cache=$root/.cache/rivals
me="rivals setup"
# shellcheck source=test/apt.sh
. "$root/test/apt.sh"

# TuneD, and the modules that it loads when it runs without D-Bus.
packages="tuned python3-pyudev python3-linux-procfs python3-six"

prepare() {
	# shellcheck disable=SC2046 # a list
	apt_install $(missing ethtool:ethtool ip:iproute2 dpkg:dpkg /usr/bin/python3:python3)
	[ -d "$cache/tuned" ] && return
	say "fetching $packages"
	mkdir -p "$cache"
	echo '*' >"$root/.cache/.gitignore"
	work=$(mktemp -d "$cache/fetch.XXXXXX")
	trap 'rm -rf "$work"' EXIT
	for package in $packages; do
		apt_download "$package" "$work" && continue
		[ "$(id -u)" = 0 ] || die "download of $package failed; if the archive has moved on, type: sudo apt-get update"
		apt_update # the archive has moved on, or was never looked at
		apt_download "$package" "$work" || die "download of $package failed"
	done
	for deb in "$work"/*.deb; do
		dpkg -x "$deb" "$work/tree"
	done
	mv "$work/tree" "$cache/tuned"
}

# A process of its own: inside a condition this shell would go on after a failure.
case ${1:-} in
prepare) prepare ;;
*)
	"$0" prepare && exit
	[ "${CI:-}" = true ] && exit 1
	say "tests that need what is missing will be skipped"
	;;
esac
