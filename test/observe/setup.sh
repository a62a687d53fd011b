#!/bin/sh
# Prepares this machine for the tests with a real Prometheus, a real node_exporter
# and a real browser (go test -tags observe): installs the missing tools, and unpacks
# Debian's Prometheus and node_exporter under .cache/observe without installing them,
# so that no service starts here. Safe to run again, and quick when everything is
# there.
#
# With CI=true what is missing is an error; else the tests that need it are skipped.
set -eu

root=$(cd "$(dirname "$0")/../.." && pwd)
cache=$root/.cache/observe
me="observe setup"
# shellcheck source=test/apt.sh
. "$root/test/apt.sh"

# A browser that is there under another name will do.
for browser in chromium chromium-browser google-chrome; do
	command -v $browser >/dev/null 2>&1 && break
	browser=
done

# fetch PROGRAM PACKAGE unpacks a program of a package.
fetch() {
	[ -x "$cache/bin/$1" ] && return
	say "fetching $2"
	work=$(mktemp -d "$cache/fetch.XXXXXX")
	trap 'rm -rf "$work"' EXIT
	if ! apt_download "$2" "$work"; then
		[ "$(id -u)" = 0 ] || die "download of $2 failed; if the archive has moved on, type: sudo apt-get update"
		apt_update # the archive has moved on, or was never looked at
		apt_download "$2" "$work" || die "download of $2 failed"
	fi
	dpkg -x "$work"/*.deb "$work/tree"
	for program in "$work"/tree/usr/bin/*; do
		mv -f "$program" "$cache/bin/"
	done
	rm -rf "$work"
	trap - EXIT
}

prepare() {
	# shellcheck disable=SC2046 # a list
	apt_install $(missing strace:strace "${browser:-chromium}:chromium" dpkg:dpkg)
	mkdir -p "$cache/bin"
	echo '*' >"$root/.cache/.gitignore"
	fetch promtool prometheus
	fetch prometheus-node-exporter prometheus-node-exporter
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
