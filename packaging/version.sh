#!/bin/sh
# Prints what git knows about this tree.
#
#   version.sh          the version, as semantic versioning spells it
#   version.sh commit   the commit, abbreviated; nothing outside of git
#   version.sh epoch    the commit's time in Unix seconds
#   version.sh date     the same, RFC 3339
#
# The tag v1.2.3 is 1.2.3, and N commits after it 1.2.3+N.gCOMMIT. Before the
# first tag it is a pre-release of what CHANGELOG.md's "## Unreleased: X.Y.Z"
# names: X.Y.Z-dev.N+gCOMMIT. Changes that are not committed add "dirty".
# Outside of git it is dev. VERSION and SOURCE_DATE_EPOCH outdo all of it.
set -eu
cd "$(dirname "$0")/.."
# As long for everyone, whatever core.abbrev says.
digits=12

git_() { git --no-optional-locks "$@"; }

# A copy without history that lies inside of another repository is not that
# repository's commit. git itself tells when it cannot read this one.
in_git() {
	[ -e .git ] && [ "$(git_ rev-parse --show-prefix)" = "" ] && git_ rev-parse --verify --quiet HEAD >/dev/null
}

version() {
	if [ -n "${VERSION:-}" ]; then
		echo "${VERSION#v}"
		return
	fi
	if ! in_git; then
		echo dev
		return
	fi
	hash=g$(git_ rev-parse --short=$digits HEAD)
	if tag=$(git_ describe --tags --match 'v[0-9]*' --abbrev=0 2>/dev/null); then
		base=${tag#v}
		count=$(git_ rev-list --count "$tag..HEAD")
		build=
		[ "$count" = 0 ] || build=$count.$hash
	else
		next=$(sed -n 's/^## Unreleased: \([0-9][0-9.]*\)$/\1/p' CHANGELOG.md 2>/dev/null | head -n 1)
		base=${next:-0.0.0}-dev.$(git_ rev-list --count HEAD)
		build=$hash
	fi
	if [ -n "$(git_ status --porcelain --untracked-files=no)" ]; then
		build=${build:+$build.}dirty
	fi
	echo "$base${build:++$build}"
}

epoch() {
	if [ -n "${SOURCE_DATE_EPOCH:-}" ]; then
		echo "$SOURCE_DATE_EPOCH"
	elif in_git; then
		git_ log -1 --format=%ct
	else
		# `git archive` gives every file the commit's time.
		stat -c %Y CHANGELOG.md
	fi
}

case ${1:-version} in
version) version ;;
commit) if in_git; then git_ rev-parse --short=$digits HEAD; fi ;;
epoch) epoch ;;
date) date -u -d "@$(epoch)" +%Y-%m-%dT%H:%M:%SZ ;;
*)
	echo "version.sh: $1: give nothing, commit, epoch or date" >&2
	exit 1
	;;
esac
