#!/bin/sh
# Installs what building and testing need besides the Swift toolchain; says what to install where it may not.
#
# Idempotent. Services of the packages are not started, and no system-wide PostgreSQL cluster is made: Millrace runs
# private servers. Before Debian 13, TimescaleDB comes in a Debian 13 root, made by timescaledb-root.sh.
set -eu
cd "$(dirname "$0")"
say() { echo "setup: $*"; }
die() { echo "setup: $*" >&2; exit 1; }

command -v "${SWIFT:-swift}" >/dev/null || die "no Swift toolchain: install Swift 6.2 or newer from https://swift.org"

version=$(. /etc/os-release 2>/dev/null && echo "${ID:-}${VERSION_ID:-}" || :)
missing=
need() { [ -e "$2" ] || missing="$missing $1"; }
need redis-server /usr/bin/redis-server
need libhiredis-dev /usr/include/hiredis/hiredis.h
need libpq-dev /usr/include/postgresql/libpq-fe.h
need zlib1g-dev /usr/include/zlib.h
need postgresql-client /usr/bin/psql
need util-linux /usr/bin/setpriv
need pgbouncer /usr/sbin/pgbouncer
need libfaketime "$(echo /usr/lib/*/faketime/libfaketimeMT.so.1)"
case $version in
debian1[3-9]*) need postgresql-17-timescaledb /usr/share/postgresql/17/extension/timescaledb.control ;;
*)
    need debootstrap /usr/sbin/debootstrap
    need debian-archive-keyring /usr/share/keyrings/debian-archive-keyring.gpg
    ;;
esac

install() {
    policy=/usr/sbin/policy-rc.d
    cluster=/etc/postgresql-common/createcluster.conf
    made=
    trap 'for file in $made; do rm -f "$file"; done' EXIT
    if [ ! -e "$policy" ]; then
        made=$policy
        printf '#!/bin/sh\nexit 101\n' >"$policy"
        chmod 755 "$policy"
    fi
    if [ ! -e "$cluster" ]; then
        made="$made $cluster"
        mkdir -p "$(dirname "$cluster")"
        echo 'create_main_cluster = false' >"$cluster"
    fi
    apt-get update -qq </dev/null
    DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends \
        -o Dpkg::Options::=--force-confold "$@" </dev/null
    for file in $made; do rm -f "$file"; done
    trap - EXIT
    # What the package would have installed if ours had not been in its place.
    [ ! -e "$cluster.ucf-dist" ] || [ -e "$cluster" ] || mv "$cluster.ucf-dist" "$cluster"
}

if [ -n "$missing" ]; then
    if [ "$(id -u)" != 0 ] || ! command -v apt-get >/dev/null; then
        die "missing:$missing (Debian: sudo apt-get install$missing, or sudo make setup)"
    fi
    say "installing$missing"
    # shellcheck disable=SC2086  # a list
    install $missing
fi

# Elsewhere: the root, or else a plain PostgreSQL, which serves without hypertables.
case $version in debian1[3-9]*) exit 0 ;; esac
[ ! -e "${MILLRACE_CACHE:-/var/cache/millrace}/trixie-pg17/.millrace-complete" ] || exit 0
plain=$(find /usr/lib/postgresql -path '*/bin/postgres' 2>/dev/null | head -n 1)
if [ "$(id -u)" = 0 ]; then
    ./timescaledb-root.sh && exit 0
    say "going on without TimescaleDB"
    [ -n "$plain" ] || install postgresql
elif [ -n "$plain" ]; then
    say "no TimescaleDB yet: sudo make setup makes a Debian 13 root with it (500 MB, one minute)"
else
    die "no PostgreSQL: sudo make setup makes a Debian 13 root with PostgreSQL 17 and TimescaleDB (500 MB, one minute)"
fi
