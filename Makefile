# make help lists the targets.

GO      ?= go
BINARY  := bin/enitune
TOOL    := $(GO) tool -modfile=internal/tools/go.mod
# The build tags of the tests that need namespaces or guests, so that lint sees them.
TAGS    := netns,lab
SOURCES := $(shell find . -name '*.go' -not -path './.*')

# A build from a tarball has no git: name them, as in make build VERSION=v1.2.3.
VERSION ?= $(or $(shell git describe --tags --match 'v*' --dirty 2>/dev/null),dev)
COMMIT  ?= $(shell git rev-parse --short=12 HEAD 2>/dev/null)
DATE    ?= $(shell git log -1 --format=%cI 2>/dev/null)
LDFLAGS := -s -w -X main.version=$(VERSION) -X main.commit=$(COMMIT) -X main.date=$(DATE)

.DEFAULT_GOAL := build
.NOTPARALLEL:

.PHONY: build
build: ## the static binary, bin/enitune
	CGO_ENABLED=0 $(GO) build -trimpath -buildvcs=false -ldflags '$(LDFLAGS)' -o $(BINARY) ./cmd/enitune

.PHONY: check
check: build lint ## what to run before each commit: build, lint, quick tests
	$(GO) test -short ./...

.PHONY: test
test: unit netns lab ## every test

.PHONY: unit
unit: deps ## unit tests, with the race detector where gcc is there
	$(GO) test $(RACE) ./...

.PHONY: netns
netns: deps ## tests against this kernel, in namespaces of their own
	$(GO) test $(RACE) -tags netns ./test/...

.PHONY: lab
lab: ## tests in real guests (QEMU)
	test/lab/setup.sh
	$(GO) test -tags lab -p 1 -timeout 60m ./test/lab/...

# A built binary, because `go run` does not pass its program's exit code on.
.PHONY: demo
demo: build ## a simulated cloud and NICs, nothing real; KEEP=1 leaves it running
	$(GO) build -buildvcs=false -o bin/demo ./test/demo
	@bin/demo --enitune $(BINARY) $(if $(KEEP),--keep)

.PHONY: lint
lint: ## gofmt, vet, staticcheck, errorlint, exhaustive, revive
	@unformatted=$$(gofmt -l $(SOURCES)); [ -z "$$unformatted" ] || { echo "not formatted (make fmt):"; echo "$$unformatted"; exit 1; }
	$(GO) vet ./...
	$(GO) vet -tags $(TAGS) ./...
	$(TOOL) staticcheck -tags $(TAGS) ./...
	GOFLAGS="$$($(GO) env GOFLAGS) -tags=$(TAGS)" $(TOOL) go-errorlint ./...
	GOFLAGS="$$($(GO) env GOFLAGS) -tags=$(TAGS)" $(TOOL) exhaustive -i -typeonly '^github\.com/enitune/' ./...
	$(TOOL) revive -config internal/tools/revive.toml -formatter plain ./...

.PHONY: fmt
fmt: ## format the Go files
	gofmt -w $(SOURCES)

# The race detector needs cgo, and so a C compiler. Elsewhere than in CI the
# tests are worth running without it.
RACE = $(shell command -v gcc >/dev/null && echo -race)

.PHONY: deps
deps: ## what the tests need: gcc, systemd-analyze; installed when root on Debian or Ubuntu
	@missing=; \
	command -v gcc >/dev/null || missing="$$missing gcc libc6-dev"; \
	command -v systemd-analyze >/dev/null || missing="$$missing systemd"; \
	[ -n "$$missing" ] || exit 0; \
	if [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null; then \
		apt-get update -q && apt-get install -y -q --no-install-recommends $$missing; \
	else \
		echo "missing:$$missing (the race detector needs gcc, the units' test systemd-analyze); type: sudo apt-get install$$missing" >&2; \
		[ "$$CI" != true ]; \
	fi

.PHONY: clean
clean: ## remove what was built; .cache (guests, kernels) stays
	rm -rf bin dist coverage*

.PHONY: help
help: ## this list
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "%-8s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)
