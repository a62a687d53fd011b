# Sourced by the scripts that prepare this machine for tests: what they need of
# Debian's and Ubuntu's package archive. The one that sources it sets $me, the name
# in its messages.

say() { echo "$me: $*" >&2; }
die() {
	say "$@"
	exit 1
}

apt_update() {
	[ -n "${apt_updated:-}" ] && return
	apt-get -qq update || die "apt-get update failed; see its message above"
	apt_updated=yes
}

# missing PROGRAM:PACKAGE... prints the packages of the programs that are not here.
missing() {
	for tool; do
		PATH=$PATH:/usr/sbin:/sbin command -v "${tool%%:*}" >/dev/null 2>&1 || printf '%s ' "${tool#*:}"
	done
}

# apt_install PACKAGE... installs, as root; else it ends with what to type.
apt_install() {
	[ $# -gt 0 ] || return 0
	command -v apt-get >/dev/null 2>&1 ||
		die "missing tools; install what your distribution calls: $*"
	[ "$(id -u)" = 0 ] ||
		die "missing tools; type: sudo apt-get update && sudo apt-get install --no-install-recommends -y $*"
	apt_update
	say "installing $*"
	DEBIAN_FRONTEND=noninteractive apt-get -qq install --no-install-recommends -y "$@" >&2
}

# apt_download PACKAGE DIRECTORY fetches a package's file without installing it. As
# root, apt would download as the user _apt, who cannot write everywhere.
apt_download() {
	(cd "$2" && apt-get -qq -o APT::Sandbox::User=root download "$1" >&2)
}
