#!/bin/sh
# Builds the packages, tarballs and bills of materials of one commit into dist/, with
# SHA256SUMS:
#
#   make packages [VERSION=1.2.3] [ARCHS=amd64]
#
# The same commit and the same Go release give the same bytes, wherever and by
# whomever it is built. It takes Go, git, tar and gzip.
set -eu
export LC_ALL=C TZ=UTC
umask 022
cd "$(dirname "$0")/.."

GO=${GO:-go}
VERSION=$(packaging/version.sh)
SOURCE_DATE_EPOCH=$(packaging/version.sh epoch)
export VERSION SOURCE_DATE_EPOCH
# The oldest machines of each architecture.
export CGO_ENABLED=0 GOOS=linux GOAMD64=v1 GOARM64=v8.0

if ! echo "$VERSION" | grep -Eqx '[0-9]+\.[0-9]+\.[0-9]+(-[0-9A-Za-z.]+)?(\+[0-9A-Za-z.]+)?'; then
	echo "build.sh: the version is \"$VERSION\": packages need one such as 1.2.3 or 1.2.3-rc.1; outside of git name it, as in make packages VERSION=1.2.3" >&2
	exit 1
fi
# dpkg and rpm sort a pre-release before its release by the tilde.
pkgversion=$(echo "$VERSION" | sed 's/-/~/')

dist=$PWD/dist
work=$dist/.work
rm -rf "$dist"
mkdir -p "$work/common"
own=$("$GO" env GOHOSTARCH)

# On the building machine: what writes parts of the packages.
host() {
	GOOS='' GOARCH='' "$GO" "$@"
}

# compress FILE... in place, the same way each time.
compress() {
	gzip -9n "$@"
}

# put MODE FROM TO
put() {
	mkdir -p "$(dirname "$3")"
	cp "$2" "$3"
	chmod "$1" "$3"
}

# relink FILE: what the packages have elsewhere is linked there, and what only the
# sources have on the project's page.
relink() {
	case $1 in
	*.md) ;;
	*) return 0 ;;
	esac
	home=$(sed -n 's/^homepage: //p' packaging/nfpm.yaml)/blob/HEAD
	case ${1#"$work/common/doc/"} in
	*/*/*) up=../../ docs=../ ;;
	*/*) up=../ docs='' ;;
	*) up='' docs=docs/ ;;
	esac
	sed -i -e "s@](${up}systemd/examples\([/)]\)@](${up}examples\1@g" \
		-e "s@](${up}packaging/\(prometheus\|grafana\)\([/)]\)@](${up}examples/\1\2@g" \
		-e "s@](${docs}architecture\.md@]($home/docs/architecture.md@g" \
		-e "s@](${up}\(agent\|cmd\|internal\|packaging\|test\|systemd\|CONTRIBUTING\.md\|CHANGELOG\.md\|LICENSE\)@]($home/\1@g" "$1"
}

# What is the same for every architecture.
common() {
	mkdir -p "$work/common/completions"
	"$work/$own/enitune" completion bash >"$work/common/completions/enitune"
	"$work/$own/enitune" completion zsh >"$work/common/completions/_enitune"
	"$work/$own/enitune" completion fish >"$work/common/completions/enitune.fish"

	mkdir -p "$work/common/man"
	host run -tags manpages -ldflags "$LDFLAGS" ./cmd/enitune docs "$work/common/man"

	host run ./packaging/notices -format dep5 >"$work/common/copyright"
	host run ./packaging/notices -format spdx >"$work/common/licenses"
	host run ./packaging/notices -format text >"$work/common/THIRD-PARTY-NOTICES"

	for unit in systemd/*.service; do
		put 0644 "$unit" "$work/common/units/${unit##*/}"
	done
	put 0644 packaging/config.yaml "$work/common/config.yaml"
	put 0644 packaging/deb/lintian-overrides "$work/common/lintian-overrides"
	put 0644 packaging/rpm/90-enitune.preset "$work/common/90-enitune.preset"
	put 0644 LICENSE "$work/common/LICENSE"
	put 0644 CHANGELOG.md "$work/common/CHANGELOG.md"
	put 0644 CHANGELOG.md "$work/common/changelog"
	compress "$work/common/changelog"
	# architecture.md is for those who have the sources.
	for file in README.md $(find docs -type f ! -name '*.go' ! -name architecture.md); do
		put 0644 "$file" "$work/common/doc/$file"
		relink "$work/common/doc/$file"
	done
	for file in systemd/examples/*; do
		put 0644 "$file" "$work/common/doc/examples/${file##*/}"
	done
	# For the machine that has Prometheus or Grafana.
	for file in packaging/prometheus/*.rules.yml packaging/prometheus/tests/*.yml packaging/grafana/*.json packaging/grafana/README.md; do
		put 0644 "$file" "$work/common/doc/examples/${file#packaging/}"
		relink "$work/common/doc/examples/${file#packaging/}"
	done
	cat >"$work/common/changelog.yaml" <<-EOF
		- semver: $pkgversion-1
		  date: $(packaging/version.sh date)
		  packager: $(sed -n 's/^maintainer: //p' packaging/nfpm.yaml)
		  deb: {urgency: medium, distributions: [unstable]}
		  changes:
		    - note: New version; /usr/share/doc/enitune has its changelog.
	EOF
}

# contents PACKAGER prints the rest of nfpm.yaml's list.
contents() {
	type='file'
	[ "$1" = deb ] || type=doc
	for page in "$work"/common/gz/*.gz; do
		section=${page%.gz}
		echo "  - {src: \"$page\", dst: /usr/share/man/man${section##*.}/${page##*/}, type: $type}"
	done
	find "$work/common/doc" -mindepth 1 | sort | while read -r file; do
		to=/usr/share/doc/enitune${file#"$work/common/doc"}
		if [ -f "$file" ]; then
			echo "  - {src: \"$file\", dst: \"$to\", type: $type}"
		elif [ "$1" = rpm ]; then
			echo "  - {dst: \"$to\", type: dir}"
		fi
	done
}

# binary ARCH FILE
binary() {
	GOARCH=$1 "$GO" build -trimpath -buildvcs=false -ldflags "$LDFLAGS" -o "$2" ./cmd/enitune
	chmod 0755 "$2"
}

# bom ARCH: the bill of materials of the binary, in CycloneDX's JSON form. The tool is
# built first; it runs with GOPROXY=off, because it would ask a proxy for the agent
# itself.
bom() {
	maker=$(host tool -modfile=internal/tools/sbom.mod -n cyclonedx-gomod)
	GOPROXY=off "$maker" bin -json -noserial -notimestamp -std \
		-version "$VERSION" "$work/$1/enitune" >"$work/$1/bom.json"
	host run ./packaging/notices -format cyclonedx <"$work/$1/bom.json" >"$dist/enitune-$VERSION-linux-$1.cdx.json"
}

# packages ARCH: the .deb and the .rpm.
packages() {
	for packager in deb rpm; do
		other=RPM
		[ $packager = deb ] || other=DEB
		{
			sed -e '/^#/d' -e "/@$other@/d" -e 's/@DEB@\|@RPM@//' \
				-e "s|@STAGE@/enitune\"|$work/$1/enitune\"|" -e "s|@STAGE@|$work/common|g" \
				-e "s|@LICENSES@|$(cat "$work/common/licenses")|" -e "s|@ARCH@|$1|g" -e "s|@VERSION@|$pkgversion|g" packaging/nfpm.yaml
			contents $packager
		} >"$work/$1/$packager.yaml"
		host tool -modfile=internal/tools/nfpm.mod nfpm package \
			--config "$work/$1/$packager.yaml" --packager $packager --target "$dist/" >/dev/null
	done
}

# tarball ARCH
tarball() {
	name=enitune-$VERSION-linux-$1
	tree=$work/$1/$name
	mkdir -p "$tree"
	put 0755 packaging/install.sh "$tree/install.sh"
	put 0755 "$work/$1/enitune" "$tree/enitune"
	for part in units completions man doc config.yaml LICENSE THIRD-PARTY-NOTICES CHANGELOG.md; do
		cp -R "$work/common/$part" "$tree/$part"
	done
	find "$tree" -type d -exec chmod 0755 {} +
	tar --format=gnu --sort=name --owner=0 --group=0 --numeric-owner --mtime="@$SOURCE_DATE_EPOCH" \
		-C "$work/$1" -cf - "$name" | gzip -9n >"$dist/$name.tar.gz"
}

[ $# -gt 0 ] || set -- amd64 arm64
# The building machine's own binary tells its completions.
for arch in "$own" "$@"; do
	mkdir -p "$work/$arch"
	[ -e "$work/$arch/enitune" ] || binary "$arch" "$work/$arch/enitune"
done
common
mkdir -p "$work/common/gz"
cp "$work"/common/man/* "$work/common/gz/"
compress "$work"/common/gz/*
jobs=
for arch; do
	(packages "$arch" && tarball "$arch" && bom "$arch") &
	jobs="$jobs $!"
done
for job in $jobs; do
	wait "$job"
done
rm -rf "$work"
cd "$dist"
sha256sum -- * >SHA256SUMS
cat SHA256SUMS
