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

		  --no-start    install or upgrade, and neither enable nor start anything; later
		                upgrades leave that so: systemctl enable --now enitune.service
		                and systemctl enable enitune-apply.service when it is time
		  --uninstall   stop and remove it; configuration and state stay
		  --purge       remove the configuration and the state, too
		  -h, --help    this text

		Environment:
		  DESTDIR   a folder that stands for /, as when a package or an image is made;
		            nothing is enabled or started, also with DESTDIR=/
		  PREFIX    where the program and the manual pages go; default: where enitune
		            is installed already, else /usr
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

# strip takes the slashes off the end.
strip() {
	path=$1
	while [ "${path%/}" != "$path" ]; do
		path=${path%/}
	done
	echo "$path"
}

# staged: files for another system, or for this one before it runs.
staged=no
[ -z "${DESTDIR:-}" ] || staged=yes
case ${DESTDIR:-/} in
/*) ;;
*) fail "DESTDIR is \"$DESTDIR\": it must be an absolute path" ;;
esac
DESTDIR=$(strip "${DESTDIR:-}")

given=${PREFIX:-}
case ${given:-/usr} in
/*) ;;
*) fail "PREFIX is \"$given\": it must be an absolute path" ;;
esac
# Spaces would end the path in the units.
case $given in
*[!A-Za-z0-9/._+-]*) fail "PREFIX is \"$given\": use letters, digits and / . _ + - only" ;;
*//* | */./* | */../* | */. | */..) fail "PREFIX is \"$given\": write it without //, . and .." ;;
esac
[ -z "$given" ] || [ -n "$(strip "$given")" ] || fail "PREFIX is \"$given\": use /usr"
given=$(strip "$given")

# unitdir PREFIX: systemd looks for units below /usr and /usr/local. With another
# prefix they go where the operator's are.
unitdir() {
	case $1 in
	/usr | /usr/local) echo "$1/lib/systemd/system" ;;
	*) echo /etc/systemd/system ;;
	esac
}

# prefixes prints where enitune is installed: the units of this script tell it.
# A unit that the operator copied to /etc to change it is in the wrong folder for
# its program, and one that is masked is no file.
prefixes() {
	for dir in /usr/lib/systemd/system /usr/local/lib/systemd/system /etc/systemd/system; do
		unit=$DESTDIR$dir/enitune.service
		if [ ! -f "$unit" ] || [ -L "$unit" ]; then
			continue
		fi
		at=$(sed -n 's|^ExecStart=\(/.*\)/bin/enitune run.*|\1|p' "$unit" | head -n 1)
		[ -z "$at" ] || [ "$(unitdir "$at")" != "$dir" ] || echo "$at"
	done
}

# use PREFIX
use() {
	PREFIX=$1
	unitdir=$(unitdir "$1")
	docdir=$1/share/doc/enitune
}

config=$DESTDIR/etc/enitune/config.yaml

# live tells whether there is a running systemd to talk to.
live() { [ "$staged" = no ] && [ -d /run/systemd/system ]; }

warn() { echo "install.sh: $*" >&2; }

# put MODE FROM TO, so that a running program's file is replaced, not rewritten.
put() {
	to=$DESTDIR$3
	mkdir -p "$(dirname "$to")"
	cp "$2" "$to.new.$$"
	chmod "$1" "$to.new.$$"
	mv -f "$to.new.$$" "$to"
}

check() {
	[ -n "$DESTDIR" ] || [ "$(id -u)" = 0 ] || fail "it writes to ${given:-/usr} and /etc: run it as root, as with sudo"
	[ "$staged" = yes ] || command -v systemctl >/dev/null || fail "there is no systemd here, which the services need; DESTDIR=/ installs the files alone"
	for tool in dpkg-query rpm; do
		owned "$tool" && fail "enitune is installed as a package ($tool knows it): upgrade or remove that"
	done
	return 0
}

# visible: the services' sandbox hides some folders from them.
visible() {
	case $PREFIX/ in
	/home/* | /root/* | /run/user/* | /var/home/* | /var/roothome/*) fail "PREFIX is \"$PREFIX\": the services run with ProtectHome=yes and cannot see a program there" ;;
	/tmp/* | /var/tmp/*) fail "PREFIX is \"$PREFIX\": the services run with PrivateTmp=yes and cannot see a program there" ;;
	esac
	for unit in $units; do
		[ ! -L "$DESTDIR$unitdir/$unit" ] || fail "$unitdir/$unit is a link: with PREFIX=$PREFIX the unit goes there; remove the link (systemctl unmask $unit) or use PREFIX=/usr"
	done
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

# fill FROM prints a file with the paths of this installation.
fill() {
	sed -e "s|/usr/bin/enitune|$PREFIX/bin/enitune|g" -e "s|/usr/share/doc/enitune|$docdir|g" \
		-e "s|/usr/lib/systemd/system|$unitdir|g" "$1"
}

# put_filled FROM TO
put_filled() {
	fill "$1" >"$tmp/filled"
	put 0644 "$tmp/filled" "$2"
}

put_files() {
	put 0755 enitune "$PREFIX/bin/enitune"
	put_config
	for unit in $units; do
		put_filled "units/$unit" "$unitdir/$unit"
	done
	for page in man/*; do
		put_filled "$page" "$PREFIX/share/man/man${page##*.}/${page##*/}"
	done
	put 0644 completions/enitune "$PREFIX/share/bash-completion/completions/enitune"
	put 0644 completions/_enitune "$PREFIX/share/zsh/site-functions/_enitune"
	put 0644 completions/enitune.fish "$PREFIX/share/fish/vendor_completions.d/enitune.fish"
	for file in LICENSE THIRD-PARTY-NOTICES CHANGELOG.md; do
		put 0644 "$file" "$docdir/$file"
	done
	(cd doc && find . -type f) | while read -r file; do
		put_filled "doc/$file" "$docdir/${file#./}"
	done
}

# enabled prints the units that are. A link to a unit's file keeps its old place.
enabled() {
	for unit in $units; do
		! systemctl --quiet is-enabled "$unit" 2>/dev/null || echo "$unit"
	done
}

install_() {
	tmp=$(mktemp -d)
	trap 'rm -rf "$tmp"' EXIT
	visible
	moved=
	for old in $found; do
		[ "$old" != "$PREFIX" ] || continue
		if [ "$staged" = no ]; then
			moved="$moved $(enabled)"
			# shellcheck disable=SC2086 # a list
			systemctl disable $units || true
		fi
		# Two of them would shadow each other.
		(use "$old" && remove_files)
		echo "removed enitune from $old: it goes to $PREFIX"
	done
	# The version before may have pages that this one has not.
	remove_shared
	put_files
	echo "installed $("$DESTDIR$PREFIX/bin/enitune" version 2>/dev/null || echo enitune)"
	[ "$staged" = no ] || return 0
	! live || systemctl daemon-reload
	# shellcheck disable=SC2086 # a list
	enable_units $moved
	if [ -n "$found" ]; then
		# One that is stopped or disabled stays so.
		if live && [ "$start" = yes ]; then
			# A daemon that runs has its credentials in place, which the check may read.
			if systemctl --quiet is-active enitune.service && ! "$PREFIX/bin/enitune" config check >/dev/null 2>&1; then
				warn "the configuration is refused, and the daemon cannot start with it; type: $PREFIX/bin/enitune config check"
			fi
			systemctl try-restart enitune.service || warn "enitune.service was not restarted"
		fi
	elif [ "$start" = yes ]; then
		if remote_var; then
			warn "/var/lib is mounted over the network, and enitune-apply.service is to run before the network is up; not enabled"
			units=enitune.service
		fi
		# shellcheck disable=SC2086 # a list
		enable_units $units
		start_daemon
	fi
}

# remote_var tells whether /var/lib is on the network. A root file system there is
# mounted before systemd orders anything.
remote_var() {
	at=$(findmnt -no TARGET -T /var/lib 2>/dev/null) || return 1
	[ "$at" != / ] || return 1
	case $(findmnt -no FSTYPE -T /var/lib 2>/dev/null) in
	nfs | nfs4 | cifs | smb3 | smbfs | afs | ceph | gfs | gfs2 | ocfs2 | lustre | pvfs2 | *glusterfs | *sshfs | *davfs*) return 0 ;;
	esac
	case ,$(findmnt -no OPTIONS -T /var/lib 2>/dev/null),$(findmnt --fstab -no OPTIONS -M "$at" 2>/dev/null), in
	*,_netdev,*) return 0 ;;
	esac
	return 1
}

# masked UNIT
masked() {
	case $(systemctl is-enabled "$1" 2>/dev/null || true) in
	masked*) ;;
	*) return 1 ;;
	esac
}

# enable_units UNIT...
enable_units() {
	for unit; do
		if masked "$unit"; then
			warn "$unit is masked; not enabled"
		else
			systemctl enable "$unit" || warn "$unit was not enabled"
		fi
	done
}

start_daemon() {
	if ! live || masked enitune.service; then
		return 0
	fi
	if systemctl start enitune.service; then
		echo "started enitune.service; enitune-apply.service acts at the next boot"
	else
		warn "enitune.service did not start: see journalctl -u enitune"
	fi
}

# remove_shared removes what has no name of its own under PREFIX.
remove_shared() {
	rm -f "$DESTDIR$PREFIX"/share/man/man[1578]/enitune.[1578] "$DESTDIR$PREFIX"/share/man/man[1578]/enitune[-.]*.[1578]
	rm -rf "$DESTDIR$docdir"
}

# remove_files removes what is installed under PREFIX.
remove_files() {
	for unit in $units; do
		# Not the operator's link that masks it.
		[ -L "$DESTDIR$unitdir/$unit" ] || rm -f "$DESTDIR$unitdir/$unit"
	done
	remove_shared
	rm -f "$DESTDIR$PREFIX/bin/enitune" "$DESTDIR$PREFIX/share/bash-completion/completions/enitune" \
		"$DESTDIR$PREFIX/share/zsh/site-functions/_enitune" "$DESTDIR$PREFIX/share/fish/vendor_completions.d/enitune.fish"
}

# target sets found to what is to be removed: what PREFIX names, else everything.
target() {
	here=
	for at in ${found:-/usr} $given; do
		# Without its unit, the program may still be there.
		if [ "$at" != "${given:-$at}" ] || { ! listed "$at" && [ ! -e "$DESTDIR$at/bin/enitune" ]; }; then
			continue
		fi
		here="$here $at"
	done
	# After --uninstall only the configuration and the state are left.
	if [ -z "$here" ] && { [ -n "$found" ] || [ "$action" = uninstall ] || ! leftovers; }; then
		# shellcheck disable=SC2086 # a list, on one line
		fail "nothing of enitune under ${given:-/usr, /usr/local or another PREFIX}"${found:+"; it is installed under" $found}
	fi
	found=$here
}

# listed PREFIX: a unit tells of it.
listed() {
	echo "$found" | grep -Fqx -e "$1"
}

leftovers() {
	for at in /etc/enitune /var/lib/enitune /var/lib/private/enitune; do
		[ ! -e "$DESTDIR$at" ] || return 0
	done
	return 1
}

uninstall() {
	if live; then
		# shellcheck disable=SC2086 # a list
		systemctl disable --now $units || systemctl stop $units || true
	elif [ "$staged" = no ] && command -v systemctl >/dev/null; then
		# shellcheck disable=SC2086 # a list
		systemctl disable $units || true
	fi
	for at in $found; do
		use "$at"
		remove_files
	done
	if live; then
		systemctl daemon-reload
	fi
}

purge() {
	! live || ! systemctl --quiet is-active enitune.service || fail "enitune.service still runs: its configuration and its state stay"
	rm -f "$config" "$config.new" "$DESTDIR/etc/enitune/environment"
	# Not when there are files of the operator's own, such as web.yaml.
	rmdir "$DESTDIR/etc/enitune" 2>/dev/null || true
	# With DynamicUser= systemd keeps the state under private, and links to it.
	rm -rf "$DESTDIR/var/lib/enitune" "$DESTDIR/var/lib/private/enitune"
}

cd "$(dirname "$0")"
check
found=$(prefixes)
case $action in
install)
	[ -f enitune ] || fail "this is not the folder of an unpacked tarball: enitune is missing"
	# Where it is already, an upgrade goes.
	use "${given:-$(echo "${found:-/usr}" | head -n 1)}"
	install_
	;;
uninstall)
	target
	[ -n "$DESTDIR" ] || staged=no
	uninstall
	echo "removed enitune; the configuration and the state stay, --purge removes them"
	;;
purge)
	target
	[ -n "$DESTDIR" ] || staged=no
	[ -z "$found" ] || uninstall
	purge
	echo "removed enitune, its configuration and its state"
	;;
esac
