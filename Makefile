# make help lists the targets.

GO      ?= go
BINARY  := bin/enitune
TOOL    := $(GO) tool -modfile=internal/tools/go.mod
# The build tags of the tests that need namespaces, guests or packages, so that
# lint sees them.
TAGS    := netns,lab,packages,observe,bench
SOURCES := $(shell find . -name '*.go' -not -path './.*')

# What git says, see packaging/version.sh. A build outside of git names it, as in
# make build VERSION=1.2.3.
override VERSION := $(shell VERSION='$(VERSION)' packaging/version.sh)
COMMIT  := $(shell packaging/version.sh commit)
DATE    := $(shell packaging/version.sh date)
LDFLAGS := -s -w -X main.version=$(VERSION) -X main.commit=$(COMMIT) -X main.date=$(DATE)

.DEFAULT_GOAL := build
.NOTPARALLEL:

.PHONY: build
build: ## the static binary, bin/enitune
	CGO_ENABLED=0 $(GO) build -trimpath -buildvcs=false -ldflags '$(LDFLAGS)' -o $(BINARY) ./cmd/enitune

# For a next version of the same commit: make packages VERSION=1.2.3
ARCHS   ?= amd64 arm64
.PHONY: packages
packages: ## .deb, .rpm, tarballs, bills of materials with SHA256SUMS, in dist/; ARCHS=amd64 for one only
	@GO='$(GO)' VERSION='$(VERSION)' LDFLAGS='$(LDFLAGS)' packaging/build.sh $(ARCHS)

.PHONY: check
check: build lint ## what to run before each commit: build, lint, quick tests
	$(GO) test -short ./...

.PHONY: test
test: unit fuzz-short netns observe packages-test lab ## every test

.PHONY: unit
unit: deps ## unit tests, with the race detector where gcc is there
	$(GO) test $(RACE) ./...
	$(GO) test -tags manpages ./cmd/enitune

.PHONY: netns
netns: deps ## tests against this kernel, in namespaces of their own
	test/reliability/rivals/setup.sh
	$(GO) test $(RACE) -count 1 -tags netns ./test/...

.PHONY: observe
observe: deps ## tests with a real Prometheus, node_exporter and browser
	test/observe/setup.sh
	$(GO) test $(RACE) -tags observe ./test/... ./packaging/...

FUZZTIME ?= 1m
.PHONY: fuzz
fuzz: ## every fuzz target for FUZZTIME each (1m)
	GO='$(GO)' test/fuzz.sh $(FUZZTIME)

# Counted in inputs, so that a slow machine tries as many.
.PHONY: fuzz-short
fuzz-short: ## every fuzz target with a thousand inputs each
	GO='$(GO)' test/fuzz.sh 1000x

.PHONY: bench
bench: ## what the agent costs, beside baselines of the same run; ENITUNE_BENCH_MINUTES=10 watches it at rest
	test/observe/setup.sh
	CGO_ENABLED=0 $(GO) test -tags bench -run TestFigures -count 1 -timeout 2h -v ./test/bench | grep -v '^ *\(---\|===\) '
	$(GO) test -run '^$$' -bench . -count 3 ./metrics
	$(GO) run ./test/fleet

.PHONY: packages-test
packages-test: packages-deps .cache/packages/debian-12.tar ## tests of the packages: same bytes, contents, what their scripts do
	$(GO) test -tags packages -timeout 20m ./packaging

# A root file system without a running systemd, in which the packages are
# installed, upgraded and removed.
.cache/packages/debian-12.tar: | packages-deps
	@mkdir -p $(@D)
	@command -v mmdebstrap >/dev/null || { [ "$$CI" != true ]; exit; }; \
	mmdebstrap --quiet --variant=minbase --include=systemd bookworm $@.part.tar && \
	mv $@.part.tar $@

.PHONY: lab
lab: ## tests in real guests (QEMU)
	test/lab/setup.sh
	$(GO) test -tags lab -p 1 -timeout 60m ./test/lab/... ./test/boot/...

# A built binary, because `go run` does not pass its program's exit code on.
.PHONY: demo
demo: build ## a simulated cloud and NICs, nothing real; KEEP=1 leaves it running
	$(GO) build -buildvcs=false -o bin/demo ./test/demo
	@bin/demo --enitune $(BINARY) $(if $(KEEP),--keep)

# What writes the manual pages has a main function of its own, which leaves parts
# of the agent unused.
.PHONY: lint
lint: ## gofmt, vet, staticcheck, errorlint, exhaustive, revive, generated files
	@unformatted=$$(gofmt -l $(SOURCES)); [ -z "$$unformatted" ] || { echo "not formatted (make fmt):"; echo "$$unformatted"; exit 1; }
	$(GO) vet ./...
	$(GO) vet -tags $(TAGS) ./...
	$(TOOL) staticcheck -tags $(TAGS) ./...
	$(GO) vet -tags manpages ./cmd/enitune
	$(TOOL) staticcheck -tags manpages -checks inherit,-U1000 ./cmd/enitune
	GOFLAGS="$$($(GO) env GOFLAGS) -tags=$(TAGS)" $(TOOL) go-errorlint ./...
	GOFLAGS="$$($(GO) env GOFLAGS) -tags=$(TAGS)" $(TOOL) exhaustive -i -typeonly '^github\.com/enitune/' ./...
	$(TOOL) revive -config internal/tools/revive.toml -formatter plain ./...
	@$(TEMPL) -check || { echo "not as generated: type make generate"; exit 1; }

.PHONY: fmt
fmt: ## format the Go files
	gofmt -w $(SOURCES)

# The pages of the daemon: *.templ to *_templ.go, which git holds too.
TEMPL := $(GO) tool -modfile=internal/tools/templ.mod templ generate -path internal/page -include-version=false -log-level warn

.PHONY: generate
generate: ## make the generated files anew
	$(TEMPL)

# The race detector needs cgo, and so a C compiler. Elsewhere than in CI the
# tests are worth running without it.
RACE = $(shell command -v gcc >/dev/null && echo -race)

# Programs, each with the Debian packages that have it.
NEEDS          := gcc:gcc,libc6-dev systemd-analyze:systemd mandoc:mandoc
NEEDS_PACKAGES := lintian:lintian rpmlint:rpmlint rpm:rpm dnf:dnf mmdebstrap:mmdebstrap shellcheck:shellcheck

.PHONY: deps
deps: ## what the unit tests need; installed when root on Debian or Ubuntu
	$(call install,$(NEEDS))

.PHONY: packages-deps
packages-deps: ## the same for the tests of the packages
	$(call install,$(NEEDS_PACKAGES))

define install
	@missing=; \
	for need in $(1); do \
		command -v "$${need%%:*}" >/dev/null || missing="$$missing $$(echo "$${need#*:}" | tr , ' ')"; \
	done; \
	[ -n "$$missing" ] || exit 0; \
	if [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null; then \
		apt-get update -q && apt-get install -y -q --no-install-recommends $$missing; \
	else \
		echo "missing:$$missing; tests that need it are skipped; type: sudo apt-get install$$missing" >&2; \
		[ "$$CI" != true ]; \
	fi
endef

.PHONY: clean
clean: ## remove what was built; .cache (guests, kernels) stays
	rm -rf bin dist coverage*

.PHONY: help
help: ## this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "%-13s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)
