#!/bin/sh
# Makes the Debian 13 root with PostgreSQL 17 and TimescaleDB that the private services use on Debian 12.
# The work is in the script that LocalServices embeds; this calls it with the folder LocalServices looks in.
set -eu
cd "$(dirname "$0")/../.."
exec sh Sources/LocalServices/Scripts/timescaledb-root.sh "${1:-${MILLRACE_CACHE:-/var/cache/millrace}/trixie-pg17}"
