# Runs one server for as long as its owner lives.
#
#   supervise.sh FOLDER PATIENCE SIGNAL keep|remove COMMAND…
#
# Standard input is a pipe whose other end only the owner holds, so it closes however the owner ends, SIGKILL included.
# (PR_SET_PDEATHSIG alone would not do: it fires when the *thread* that forked ends, and Swift's threads come and go.)
# Then the server gets SIGNAL and, PATIENCE seconds later, SIGKILL; with `remove` the folder goes too, and its parent if empty.
# The server's process id is the first line of standard output.
# FOLDER stays locked while the server or any process it forked lives (they inherit descriptor 9); an earlier one gets
# PATIENCE seconds to end.
folder=$1 patience=$2 signal=$3 afterwards=$4
shift 4
trap "" HUP INT
exec 3<&0 9<"$folder" || exit 75
if ! flock -w "$patience" 9; then
    echo "another server is using $folder" >&2
    exit 75
fi

"$@" </dev/null 3<&- >&2 &
server=$!
echo "$server"
exec >&-

# Process ids are used again: only our own child is ever signalled.
is_ours() { grep -qs "^PPid:[[:space:]]*$$\$" "/proc/$server/status"; }
(
    exec 9<&-
    while read -r _ <&3; do :; done
    trap '' TERM
    is_ours && kill -s "$signal" "$server"
    deadline=$(($(date +%s) + patience))
    while is_ours && [ "$(date +%s)" -le "$deadline" ]; do
        sleep 0.1 3<&-
    done
    is_ours && kill -s KILL "$server"
    exit 0
) 2>/dev/null &
owner_watch=$!

wait "$server"
status=$?
kill -s TERM "$owner_watch" 2>/dev/null
# The watch ends with 0 only when the owner is gone.
if wait "$owner_watch" && [ "$afterwards" = remove ]; then
    rm -rf --one-file-system "$folder"
    rmdir "$(dirname "$folder")" 2>/dev/null
fi
exit "$status"
