# One command each; `make help` lists them. Everything works on a fresh Debian 12 or 13 with only the Swift toolchain.
SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help

SWIFT ?= swift
# Another build folder or fewer jobs: make test SWIFT_FLAGS="--scratch-path .build-x -j 2"
SWIFT_FLAGS ?=
SOURCES := Package.swift $(wildcard Sources Tests Benchmarks Examples)

.PHONY: help setup build release test lint check demo dev bench prove clean

help: ## This list
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "  make %-9s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

setup: ## Install what is missing (as root; otherwise say what to install)
	@SWIFT="$(SWIFT)" deploy/dev/setup.sh

build: setup ## Debug build
	$(SWIFT) build $(SWIFT_FLAGS)

release: setup ## Release build
	$(SWIFT) build -c release $(SWIFT_FLAGS)

# Tests run side by side within a group, groups one after the other: all at once would want more processors than a
# small machine has, and deadlines would be missed. What no group names comes last, so nothing is left out.
TEST_GROUPS := RedisWireTests|RedisStreamsTests|PostgresWireTests|LocalServicesTests|AdminHTTPTests|BlockingExecutorTests \
	PostgresCopyTests MigrationsTests MaintenanceTests CommandTests DocsTests EndToEndTests

test: setup lint ## What CI runs: lint, build everything, run every test
	$(SWIFT) build --build-tests $(SWIFT_FLAGS)
	for group in $(foreach group,$(TEST_GROUPS),'^($(group))\.'); do \
		$(SWIFT) test --skip-build $(SWIFT_FLAGS) --filter "$$group"; \
	done
	$(SWIFT) test --skip-build $(SWIFT_FLAGS) $(foreach group,$(TEST_GROUPS),--skip '^($(group))\.')

lint: ## Formatting and style
	$(SWIFT) format lint --strict --recursive --parallel $(SOURCES)

check: setup lint ## Lint, and a build in which warnings are errors
	$(SWIFT) build --build-tests -Xswiftc -warnings-as-errors $(SWIFT_FLAGS)

demo: setup ## Recorded market data into hypertables, with kills and garbage on the way
	$(SWIFT) run -c release $(SWIFT_FLAGS) millrace demo

dev: setup ## A private Redis and PostgreSQL and a worker between them, until Ctrl-C
	$(SWIFT) run -c release $(SWIFT_FLAGS) millrace dev

bench: setup ## Rows per second beside psql \copy
	$(SWIFT) run -c release $(SWIFT_FLAGS) millrace bench

prove: setup release ## Every figure of the docs again: benches, demo, long kill and fault runs; takes hours
	.build/release/millrace bench --rows 1000000 --rounds 5
	.build/release/millrace bench refusals --rounds 5 --check
	.build/release/millrace demo
	$(SWIFT) build --build-tests $(SWIFT_FLAGS)
	for group in SimulationTests BenchQueriesTests '^EndToEndTests\.'; do \
		MILLRACE_PROVE=1 MILLRACE_EXECUTABLE=$(CURDIR)/.build/release/millrace \
			$(SWIFT) test --skip-build $(SWIFT_FLAGS) --filter "$$group"; \
	done

clean: ## Remove what was built here (the cache of roots and clusters stays)
	$(SWIFT) package clean $(SWIFT_FLAGS)
