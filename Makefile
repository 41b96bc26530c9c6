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
	PostgresCopyTests MigrationsTests MaintenanceTests CommandTests(?!\.BenchQueriesTests) \
	CommandTests\.BenchQueriesTests DocsTests EndToEndTests

# Runs the tests of each selection, of all of them even when one fails; names what failed once more at the end.
# $(call run-tests,selections,variables)
define run-tests
@log=$$(mktemp); trap 'rm -f $$log' EXIT; failed=0; \
for selection in $(1); do \
	echo "tests: $$selection"; \
	env $(2) $(SWIFT) test --skip-build $(SWIFT_FLAGS) "$$selection" 2>&1 | tee -a $$log || failed=1; \
done; \
if [ $$failed = 1 ]; then echo "What failed:"; grep -aE '✘|^error: ' $$log || true; fi; \
exit $$failed
endef

test: setup lint ## What CI runs: lint, build everything, run every test
	$(SWIFT) build --build-tests $(SWIFT_FLAGS)
	$(call run-tests,$(foreach group,$(TEST_GROUPS),'--filter=^($(group))[./]') \
		'--skip=^($(subst $() ,|,$(strip $(TEST_GROUPS))))[./]')

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
	$(call run-tests,--filter=SimulationTests --filter=BenchQueriesTests '--filter=^EndToEndTests[.]', \
		MILLRACE_PROVE=1 MILLRACE_EXECUTABLE=$(CURDIR)/.build/release/millrace)

clean: ## Remove what was built here (the cache of roots and clusters stays)
	$(SWIFT) package clean $(SWIFT_FLAGS)
