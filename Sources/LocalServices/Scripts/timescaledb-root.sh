# Makes a Debian 13 root with PostgreSQL 17 and TimescaleDB, for machines whose own packages have no TimescaleDB.
#
#   timescaledb-root.sh FOLDER        needs root; about one minute, 500 MB; does nothing when FOLDER is complete
#
# MILLRACE_DEBIAN_MIRROR overrides the mirror; without it the mirror of the machine's own apt is used.
# The root is built under a temporary name and renamed when complete, under a lock, so that nobody sees half of one.
# /proc and /dev are mounted in it only inside private mount namespaces: nothing on this machine's own
# mount table ever points into it, and removing an unfinished root cannot reach the real /dev.
set -eu

target=$1
stamp=.millrace-complete
say() { echo "timescaledb-root: $*"; }
die() { echo "timescaledb-root: $*" >&2; exit 1; }

if [ -e "$target/$stamp" ]; then
    say "$target is complete"
    exit 0
fi
[ "$(id -u)" = 0 ] || die "cannot make $target: it takes root once (sudo make setup); after that any user can run it"
for tool in debootstrap unshare flock chroot; do
    command -v "$tool" >/dev/null || die "cannot make $target: $tool is missing (apt-get install $tool)"
done

mkdir -p "$(dirname "$target")"
exec 9>"$target.lock"
flock -n 9 || { say "another process is making $target, waiting for it"; flock 9; }
[ ! -e "$target/$stamp" ] || { say "$target is complete"; exit 0; }

# Under the lock every unfinished root is a dead one.
remove() {
    ! grep -qF " $1/" /proc/self/mountinfo || die "something is mounted below $1: unmount it, then remove $1"
    rm -rf --one-file-system "$1"
}
for stale in "$target".building.*; do
    [ ! -e "$stale" ] || remove "$stale"
done
if [ -e "$target" ]; then
    remove "$target"
fi

mirror=${MILLRACE_DEBIAN_MIRROR:-}
if [ -z "$mirror" ] && command -v apt-get >/dev/null; then
    mirror=$(apt-get indextargets --format '$(REPO_URI) $(COMPONENT)' 'Created-By: Packages' 'Origin: Debian' |
        awk '$2 == "main" && $1 !~ /security|backports/ { print $1; exit }')
fi
mirror=${mirror:-http://deb.debian.org/debian}
include=
case $mirror in https:*) include=--include=ca-certificates ;; esac
if [ -z "${http_proxy:-}" ] && command -v apt-config >/dev/null; then
    eval "$(apt-config shell http_proxy Acquire::http::Proxy)"
    [ -z "${http_proxy:-}" ] || export http_proxy
fi

root=$target.building.$$
log=$target.log
trap 'status=$?; [ $status = 0 ] || { tail -n 15 "$log" >&2; remove "$root"; exit $status; }' EXIT
trap 'exit 130' INT TERM

say "Debian 13 base system from $mirror (log: $log)"
timeout 1800 unshare --mount --propagation private \
    debootstrap --variant=minbase $include trixie "$root" "$mirror" >"$log" 2>&1 </dev/null ||
    die "debootstrap could not make Debian 13 from $mirror"

say "PostgreSQL 17 and TimescaleDB"
for file in /etc/hosts /etc/resolv.conf; do
    [ ! -e "$file" ] || cp -L "$file" "$root$file"
done
if command -v apt-config >/dev/null; then
    apt-config dump | grep -E '^Acquire::(http|https|Check|Retries)' >"$root/etc/apt/apt.conf.d/90host" || :
fi
mkdir -p "$root/etc/postgresql-common"
echo 'create_main_cluster = false' >"$root/etc/postgresql-common/createcluster.conf"
printf '#!/bin/sh\nexit 101\n' >"$root/usr/sbin/policy-rc.d"
chmod 755 "$root/usr/sbin/policy-rc.d"
timeout 1800 unshare --mount --propagation private sh -euc '
    mount -t proc proc "$1/proc"
    mount --rbind /dev "$1/dev"
    export DEBIAN_FRONTEND=noninteractive LC_ALL=C.UTF-8
    chroot "$1" apt-get update
    chroot "$1" apt-get install -y --no-install-recommends postgresql-17 postgresql-17-timescaledb
    chroot "$1" apt-get clean
' install "$root" >>"$log" 2>&1 </dev/null || die "apt could not install postgresql-17-timescaledb into $root"
rm -rf "$root"/var/lib/apt/lists/*

chroot "$root" dpkg-query --show postgresql-17 postgresql-17-timescaledb >"$root/$stamp.new"
chmod 755 "$root"
sync -f "$root"
mv "$root/$stamp.new" "$root/$stamp"
mv "$root" "$target"
say "$target is ready: $(tr '\t\n' '  ' <"$target/$stamp")"
