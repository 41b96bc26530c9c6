# Runs a command inside another system root; itself run by `unshare --mount`, so that all mounts are private.
#
#   enter-root.sh ROOT FOLDER COMMAND…        FOLDER appears as /mnt inside
#
# Only `exec`, no fork: the process id the supervisor knows is the server's own.
# The machine's own passwd is shown inside, because user ids are the machine's and initdb wants a name for them.
set -eu
root=$1 folder=$2
shift 2
mount --rbind /dev "$root/dev"
mount --rbind /proc "$root/proc"
mount --bind /etc/passwd "$root/etc/passwd"
mount --bind "$folder" "$root/mnt"
exec chroot "$root" "$@"
