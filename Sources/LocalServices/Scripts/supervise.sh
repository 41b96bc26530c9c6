# Runs one server for as long as its owner lives.
#
#   supervise.sh FOLDER SIGNAL SECONDS keep|remove COMMAND…
#
# Standard input is a pipe whose other end only the owner holds, so it closes however the owner ends, SIGKILL included.
# (PR_SET_PDEATHSIG alone would not do: it fires when the *thread* that forked ends, and Swift's threads come and go.)
# Then the server gets SIGNAL and, SECONDS later, SIGKILL; with `remove` the folder goes too, and its parent if empty.
# The server's process id is the first line of standard output.
# FOLDER stays locked while the server or any process it forked lives: they inherit descriptor 9.
folder=$1 signal=$2 seconds=$3 afterwards=$4
shift 4
trap '' HUP INT
exec 3<&0 9<"$folder" || exit 75
if ! flock -w "$seconds" 9; then
    echo "another server is using $folder" >&2
    exit 75
fi

"$@" </dev/null 3<&- >&2 &
server=$!
echo "$server"
exec >&-

(
    exec 9<&-
    while read -r _ <&3; do :; done
    trap '' TERM
    kill -s "$signal" "$server"
    tenths=$((seconds * 10))
    while [ "$tenths" -gt 0 ] && kill -s 0 "$server"; do
        sleep 0.1 3<&-
        tenths=$((tenths - 1))
    done
    kill -s KILL "$server"
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
