#!/bin/sh
# Runs every fuzz target, one after the other:
#
#   test/fuzz.sh TIME [TARGET...]
#
# TIME is for each target, such as 1m, or a number of inputs, such as 2000x. The
# targets are listed from the sources, so that a new one is taken along; names
# choose some of them. A target that fails leaves its input in its package's
# testdata/fuzz, which is to be kept: `go test` runs it from then on. GO is the go
# command, FUZZFLAGS are further flags of the test binaries (-test.parallel=1).
set -eu
cd "$(dirname "$0")/.."

GO=${GO:-go}
time=${1:?test/fuzz.sh TIME [TARGET...]}
shift
module=$("$GO" list -m)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cache=$("$GO" env GOCACHE)/fuzz
case $time in
*x) cache=$work/cache ;; # the same each time, whatever was found here before
esac
failed=

# wanted TARGET TARGETS...
wanted() {
	target=$1
	shift
	[ $# -gt 0 ] || return 0
	for one; do
		[ "$one" = "$target" ] && return 0
	done
	return 1
}

# targets FOLDER
targets() {
	grep -ho '^func Fuzz[A-Za-z0-9_]*(f \*testing\.F)' "$1"/*_test.go | sed 's/^func \([^(]*\).*/\1/' | sort
}

# timeup: a target failed because its time was up while an input was being tried,
# which the fuzzer tells as a failure with no input.
timeup() {
	grep -qx ' *context deadline exceeded' "$work/out" && ! grep -q 'Failing input written' "$work/out"
}

for folder in $(find . -name .?\* -prune -o -name '*_test.go' -exec grep -l '^func Fuzz[A-Za-z0-9_]*(f \*testing\.F)' {} + | xargs -n 1 dirname | sort -u | sed 's|^\./||'); do
	binary=
	for target in $(targets "$folder"); do
		wanted "$target" "$@" || continue
		if [ -z "$binary" ]; then
			binary=$work/$(echo "$folder" | tr / -)
			# Built once, with what guides the fuzzing, for all targets of a package.
			"$GO" test -c -fuzz=. -o "$binary" "./$folder"
		fi
		echo "$folder $target"
		# shellcheck disable=SC2086 # flags are words
		(cd "$folder" && "$binary" -test.run='^$' -test.fuzz="^$target\$" -test.fuzztime="$time" -test.fuzzminimizetime=1000x \
			-test.fuzzcachedir="$cache/$module/$folder" ${FUZZFLAGS:-}) >"$work/out" 2>&1 ||
			if ! timeup; then
				failed="$failed $folder:$target"
				cat "$work/out"
			fi
		grep '^fuzz: elapsed' "$work/out" | tail -n 1
	done
done
if [ -n "$failed" ]; then
	echo "failed:$failed" >&2
	exit 1
fi
