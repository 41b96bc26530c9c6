# One command each; `make help` lists them. Everything works on a fresh Debian 12 or 13 with only the Swift toolchain.
SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help

SWIFT ?= swift
# Another build folder or fewer jobs: make test SWIFT_FLAGS="--scratch-path .build-x -j 2"
SWIFT_FLAGS ?=
SOURCES := Package.swift $(wildcard Sources Tests Benchmarks Examples)

# Debian package = a file that proves it is there.
PACKAGES := \
	redis-server=/usr/bin/redis-server \
	libhiredis-dev=/usr/include/hiredis/hiredis.h \
	libpq-dev=/usr/include/postgresql/libpq-fe.h \
	zlib1g-dev=/usr/include/zlib.h \
	postgresql-client=/usr/bin/psql \
	debootstrap=/usr/sbin/debootstrap \
	util-linux=/usr/bin/setpriv
# Debian 13 and later have TimescaleDB themselves; on Debian 12 it runs in a Debian 13 root made with debootstrap.
ifneq ($(shell grep -sE '^VERSION_ID="?12"?$$' /etc/os-release),)
PACKAGES += postgresql-15=/usr/lib/postgresql/15/bin/postgres
else
PACKAGES += postgresql-17-timescaledb=/usr/share/postgresql/17/extension/timescaledb.control
endif
MISSING = $(foreach p,$(PACKAGES),$(if $(wildcard $(lastword $(subst =, ,$(p)))),,$(firstword $(subst =, ,$(p)))))

.PHONY: help setup build release test lint check demo bench prove clean

help: ## This list
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "  make %-9s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

setup: ## Install what is missing (as root; otherwise say what to install)
	@command -v $(SWIFT) >/dev/null || { echo "setup: no Swift toolchain: install 6.2 or newer from https://swift.org"; exit 1; }
	@missing="$(strip $(MISSING))"; \
	if [ -z "$$missing" ]; then exit 0; fi; \
	if [ "$$(id -u)" != 0 ] || ! command -v apt-get >/dev/null; then \
		echo "setup: missing: $$missing"; echo "setup: run: sudo apt-get install $$missing"; exit 1; \
	fi; \
	echo "setup: installing $$missing"; \
	export DEBIAN_FRONTEND=noninteractive; \
	mkdir -p /etc/postgresql-common; \
	[ -e /etc/postgresql-common/createcluster.conf ] || \
		echo 'create_main_cluster = false' >/etc/postgresql-common/createcluster.conf; \
	apt-get update -qq </dev/null; \
	RUNLEVEL=1 apt-get install -y -qq --no-install-recommends $$missing </dev/null

build: setup ## Debug build
	$(SWIFT) build $(SWIFT_FLAGS)

release: setup ## Release build
	$(SWIFT) build -c release $(SWIFT_FLAGS)

test: setup lint ## What CI runs: lint, build everything, run every test
	$(SWIFT) build --build-tests $(SWIFT_FLAGS)
	$(SWIFT) test --skip-build $(SWIFT_FLAGS)

lint: ## Formatting and style
	$(SWIFT) format lint --strict --recursive --parallel $(SOURCES)

check: setup lint ## Lint, and a build in which warnings are errors
	$(SWIFT) build --build-tests -Xswiftc -warnings-as-errors $(SWIFT_FLAGS)

demo: setup ## Recorded market data into hypertables, with kills and garbage on the way
	$(SWIFT) run -c release $(SWIFT_FLAGS) millrace demo

bench: setup ## Rows per second beside psql \copy
	$(SWIFT) run -c release $(SWIFT_FLAGS) millrace bench

prove: setup ## Every figure of the README again
	$(SWIFT) run -c release $(SWIFT_FLAGS) millrace prove

clean: ## Remove what was built here (the cache of roots and clusters stays)
	$(SWIFT) package clean $(SWIFT_FLAGS)
