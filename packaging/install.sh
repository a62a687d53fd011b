#!/bin/sh
# Installs enitune from the tarball that this script is in, for distributions
# without .deb or .rpm. See --help.
set -eu
umask 022
units="enitune.service enitune-apply.service"

usage() {
	cat <<-'EOF'
		Usage: ./install.sh [--uninstall | --purge] [--no-start]

		Installs enitune, enables its two services and starts the daemon. A running
		daemon of an older version is restarted. An existing configuration stays as
		it is; where the new default one differs, it is put beside it as
		config.yaml.new.

		  --no-start    install or upgrade, and neither enable nor start anything
		  --uninstall   stop and remove it; configuration and state stay
		  --purge       remove the configuration and the state, too
		  -h, --help    this text

		Environment:
		  DESTDIR   a folder that stands for /, as when a package or an image is made;
		            nothing is enabled or started
		  PREFIX    where the programs and manual pages go; default: /usr
	EOF
}

fail() {
	echo "install.sh: $*" >&2
	exit 1
}

action=install start=yes
for arg in "$@"; do
	case $arg in
	--uninstall) action=uninstall ;;
	--purge) action=purge ;;
	--no-start) start=no ;;
	-h | --help)
		usage
		exit 0
		;;
	*)
		usage >&2
		fail "$arg: no such option"
		;;
	esac
done

DESTDIR=${DESTDIR:-}
DESTDIR=${DESTDIR%/}
PREFIX=${PREFIX:-/usr}
PREFIX=${PREFIX%/}
case $PREFIX in
/*) ;;
*) fail "PREFIX is \"$PREFIX\": it must be an absolute path" ;;
esac
# Spaces would end the path in the units.
case $PREFIX in
*[!A-Za-z0-9/._+-]*) fail "PREFIX is \"$PREFIX\": use letters, digits and / . _ + - only" ;;
esac

# systemd and the shells look for theirs in these, whatever PREFIX is; under
# /usr/local they are looked for, too.
unitdir=$PREFIX/lib/systemd/system
case $PREFIX in
/usr | /usr/local) ;;
*) unitdir=/etc/systemd/system ;;
esac
docdir=$PREFIX/share/doc/enitune
config=$DESTDIR/etc/enitune/config.yaml

# live tells whether there is a running systemd to talk to.
live() { [ -z "$DESTDIR" ] && [ -d /run/systemd/system ]; }

# put MODE FROM TO, so that a running program's file is replaced, not rewritten.
put() {
	to=$DESTDIR$3
	mkdir -p "$(dirname "$to")"
	cp "$2" "$to.new.$$"
	chmod "$1" "$to.new.$$"
	mv -f "$to.new.$$" "$to"
}

check() {
	[ -n "$DESTDIR" ] || [ "$(id -u)" = 0 ] || fail "it writes to $PREFIX and /etc: run it as root, as with sudo"
	[ -n "$DESTDIR" ] || command -v systemctl >/dev/null || fail "there is no systemd here, which the services need; DESTDIR=/ installs the files alone"
	for tool in dpkg-query rpm; do
		owned "$tool" && fail "enitune is installed as a package ($tool knows it): upgrade or remove that"
	done
	return 0
}

# owned TOOL: a package manager has enitune's files in its care.
owned() {
	[ -z "$DESTDIR" ] && command -v "$1" >/dev/null || return 1
	case $1 in
	dpkg-query) dpkg-query -W -f '${db:Status-Abbrev}' enitune 2>/dev/null | grep -q '^.i' ;;
	rpm) rpm -q enitune >/dev/null 2>&1 ;;
	esac
}

put_config() {
	if [ ! -e "$config" ]; then
		put 0644 config.yaml /etc/enitune/config.yaml
		rm -f "$config.new"
	elif cmp -s config.yaml "$config"; then
		rm -f "$config.new"
	else
		put 0644 config.yaml /etc/enitune/config.yaml.new
		echo "kept $config; the new default one is $config.new"
	fi
}

put_files() {
	put 0755 enitune "$PREFIX/bin/enitune"
	put_config
	for unit in $units; do
		sed "s|/usr/bin/enitune|$PREFIX/bin/enitune|" "units/$unit" >"$tmp/$unit"
		put 0644 "$tmp/$unit" "$unitdir/$unit"
	done
	for page in man/*; do
		put 0644 "$page" "$PREFIX/share/man/man${page##*.}/${page##*/}"
	done
	put 0644 completions/enitune "$PREFIX/share/bash-completion/completions/enitune"
	put 0644 completions/_enitune "$PREFIX/share/zsh/site-functions/_enitune"
	put 0644 completions/enitune.fish "$PREFIX/share/fish/vendor_completions.d/enitune.fish"
	for file in LICENSE THIRD-PARTY-NOTICES CHANGELOG.md; do
		put 0644 "$file" "$docdir/$file"
	done
	(cd doc && find . -type f) | while read -r file; do
		put 0644 "doc/$file" "$docdir/${file#./}"
	done
}

install_() {
	upgrade=no
	[ ! -e "$DESTDIR$unitdir/enitune.service" ] || upgrade=yes
	tmp=$(mktemp -d)
	trap 'rm -rf "$tmp"' EXIT
	# The version before may have pages that this one has not.
	remove_shared
	put_files
	echo "installed $("$DESTDIR$PREFIX/bin/enitune" version 2>/dev/null || echo enitune)"
	live || return 0
	systemctl daemon-reload
	if [ "$upgrade" = yes ]; then
		# One that is stopped or disabled stays so.
		[ "$start" = no ] || systemctl try-restart enitune.service
	elif [ "$start" = yes ]; then
		# shellcheck disable=SC2086 # a list
		systemctl enable $units
		systemctl start enitune.service
		echo "started enitune.service; enitune-apply.service acts at the next boot"
	fi
}

# remove_shared removes what has no name of its own under PREFIX.
remove_shared() {
	rm -f "$DESTDIR$PREFIX"/share/man/man[1578]/enitune.[1578] "$DESTDIR$PREFIX"/share/man/man[1578]/enitune[-.]*.[1578]
	rm -rf "$DESTDIR$docdir"
}

uninstall() {
	if live && [ -e "$unitdir/enitune.service" ]; then
		# shellcheck disable=SC2086 # a list
		systemctl disable --now $units
	fi
	for unit in $units; do
		rm -f "$DESTDIR$unitdir/$unit"
	done
	remove_shared
	rm -f "$DESTDIR$PREFIX/bin/enitune" "$DESTDIR$PREFIX/share/bash-completion/completions/enitune" \
		"$DESTDIR$PREFIX/share/zsh/site-functions/_enitune" "$DESTDIR$PREFIX/share/fish/vendor_completions.d/enitune.fish"
	if live; then
		systemctl daemon-reload
	fi
}

purge() {
	rm -f "$config" "$config.new" "$DESTDIR/etc/enitune/environment"
	# Not when there are files of the operator's own, such as web.yaml.
	rmdir "$DESTDIR/etc/enitune" 2>/dev/null || true
	# With DynamicUser= systemd keeps the state under private, and links to it.
	rm -rf "$DESTDIR/var/lib/enitune" "$DESTDIR/var/lib/private/enitune"
}

cd "$(dirname "$0")"
check
case $action in
install)
	[ -f enitune ] || fail "this is not the folder of an unpacked tarball: enitune is missing"
	install_
	;;
uninstall)
	uninstall
	echo "removed enitune; the configuration and the state stay, --purge removes them"
	;;
purge)
	uninstall
	purge
	echo "removed enitune, its configuration and its state"
	;;
esac
