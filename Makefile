# Two commands are all a newcomer needs: `make run` and `make test`.
# Both fetch, generate and build what is missing, say what they do, and are quick the second time.

SHELL := bash
.SHELLFLAGS := -eu -o pipefail -c
.DELETE_ON_ERROR:
.DEFAULT_GOAL := help

VERSION      ?= $(shell git describe --tags --always --dirty 2>/dev/null || echo development)
ENGINE       := 26.5.3
PLATFORM     := $(shell node -p 'process.platform + "-" + process.arch + (process.platform === "linux" ? "-gnu" : "")' 2>/dev/null)
LIBRARY      := node_modules/@chdb/lib-$(PLATFORM)/libchdb.so
GOLANGCI     := .tools/golangci-lint-2.15.0
GO_SOURCES   := $(shell find . -name '*.go' -not -path './node_modules/*') go.mod go.sum $(wildcard migrations/*.sql)
TEMPLATES    := $(shell find views -name '*.templ')
ASSETS       := $(shell find static/src static/build.mjs static/tsconfig.json -type f 2>/dev/null)
ARGS         ?=
# Tests that take longest begin first, so that no core waits for them at the end.
LONGEST      := ./web ./processors/store ./api ./processors ./ingest ./tenants

.PHONY: help run build test lint typecheck generate check-generated bench soak clean

help: ## show this list
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | awk -F ':.*## ' '{printf "  make %-18s %s\n", $$1, $$2}'

run: build ## build what is missing and start Longwave (make run ARGS='--listen :9000')
	@exec bin/longwave serve $(ARGS)

build: bin/longwave ## build bin/longwave

bin/longwave: $(GO_SOURCES) .stamps/templ static/dist/manifest.json $(LIBRARY)
	@echo "building bin/longwave"
	@CGO_ENABLED=0 go build -trimpath -ldflags '-s -w -X main.version=$(VERSION)' -o bin/longwave .

# The lock file pins every package. A platform that the lock file does not list gets its engine by name and version.
node_modules/.package-lock.json: package.json package-lock.json
	@echo "fetching npm packages (the ClickHouse engine among them, 550 MB unpacked)"
	@npm ci --no-audit --no-fund --loglevel=error
	@touch $@

$(LIBRARY): | node_modules/.package-lock.json
	@test -f $(LIBRARY) || { echo "fetching the ClickHouse engine for $(PLATFORM)"; npm install --no-save --no-audit --no-fund --loglevel=error @chdb/lib-$(PLATFORM)@$(ENGINE); }

.stamps/templ: $(TEMPLATES) go.mod
	@echo "generating pages from templates"
	@go tool templ generate -log-level error
	@mkdir -p .stamps && touch $@

static/dist/manifest.json: $(ASSETS) node_modules/.package-lock.json
	@echo "bundling browser assets"
	@node static/build.mjs

generate: .stamps/templ ## regenerate what is generated and committed
	@go generate ./...
	@go run ./docs/thirdparty >THIRD_PARTY.md

check-generated: .stamps/templ static/dist/manifest.json
	@echo "checking that generated files are current"
	@go tool templ generate -log-level error
	@go run ./docs/thirdparty >.stamps/THIRD_PARTY.md
	@cmp -s .stamps/THIRD_PARTY.md THIRD_PARTY.md || { echo "THIRD_PARTY.md is out of date: run 'make generate'"; exit 1; }
	@git diff --exit-code --stat -- '*_templ.go' || { echo "generated templates differ from the committed ones: run 'make generate' and commit"; exit 1; }

$(GOLANGCI):
	@echo "building the linter (once)"
	@mkdir -p .tools
	@GOFLAGS= GOBIN=$(CURDIR)/.tools go install github.com/golangci/golangci-lint/v2/cmd/golangci-lint@v2.15.0
	@mv .tools/golangci-lint $(GOLANGCI)

lint: $(GOLANGCI) .stamps/templ static/dist/manifest.json ## vet and lint
	@echo "linting"
	@test -z "$$(gofmt -l $$(git ls-files -co --exclude-standard '*.go' | grep -v _templ.go))" || { gofmt -l $$(git ls-files -co --exclude-standard '*.go' | grep -v _templ.go); echo "run gofmt -w on these"; exit 1; }
	@go vet ./...
	@$(GOLANGCI) run ./...

typecheck: node_modules/.package-lock.json
	@echo "checking TypeScript types"
	@npm run --silent typecheck

test: build check-generated lint typecheck ## everything mandatory: generated code, lint, types, tests under the race detector, browser
	@command -v chromium >/dev/null || command -v google-chrome >/dev/null || { echo "the browser tests need Chromium: apt-get install chromium (Debian), or put it on the PATH as chromium"; exit 1; }
	@echo "running the tests with the race detector"
	@go test -race -timeout 15m $(LONGEST) $$(go list ./... | grep -v /e2e$$)
	@echo "driving the built program from outside"
	@go test -count=1 -timeout 15m ./e2e

bench: build ## measure what a packet costs beside a bare HTTP server and the engines alone, in under 10 minutes (ARGS='-quick', ARGS='-update', ARGS='-grow')
	@go run ./bench $(ARGS)

soak: build ## make every fault we can and show that nothing acknowledged is lost or doubled (ARGS='-short', ARGS='-only kill')
	@go run ./soak -binary bin/longwave $(ARGS)

clean: ## remove everything that was built or fetched, and nothing else
	rm -rf bin .stamps .tools node_modules static/dist
