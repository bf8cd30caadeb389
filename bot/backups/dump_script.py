"""The shell script that dumps a directory inside a container and keeps it there to be fetched.

It owns the scratch directory: it removes it when its input ends, which also is what happens when
the one who started it is gone. For plain POSIX shells with du and df beside.
"""

DUMPED = "dumped"
"""What the script says once the dump is there whole; before it, the KiB so far, a line each."""

DUMP_BESIDE = f"""\
scratch=$1 reserve=$2 mark=$3
shift 3
umask 077
if ! mkdir "$scratch" || ! printf '%s\\n' "$mark" >"$scratch/mark"; then exit 74; fi
cd "$scratch" || exit 74
dumper= watcher=
end() {{
    [ "$1" ] || return 0
    kill "$1" 2>/dev/null
    wait "$1" 2>/dev/null
}}
leave() {{
    end "$watcher"
    end "$dumper"
    cd / && rm -rf "$scratch"
    exit "$1"
}}
trap 'leave 143' TERM HUP INT
"$@" --file="$scratch/dump" >&2 </dev/null &
dumper=$!
(
    # Nothing may live on when this ends: it would become the child of the container's first
    # process, and where that is PostgreSQL, ending it would make the whole server restart. So the
    # trap only notes that it is over: it may come before the nap's number is known.
    over=
    trap over=1 TERM
    while [ ! "$over" ]; do
        sleep 1 &
        nap=$!
        if [ "$over" ] || ! wait "$nap"; then
            kill "$nap"
            wait "$nap"
            exit
        fi
        set -- $(du -s -k dump)
        [ "$1" ] && echo "$1"
        set -- $(df -P -k . | tail -n 1)
        if [ "$4" -lt "$reserve" ]; then
            : >full
            kill "$dumper"
            exit
        fi
    done
) </dev/null 2>/dev/null &
watcher=$!
wait "$dumper"
status=$?
dumper=
end "$watcher"
watcher=
if [ -e full ]; then
    echo 'the disk with the scratch files is nearly full' >&2
    leave 75
fi
[ "$status" = 0 ] || leave "$status"
set -- $(du -s -k dump)
[ "$1" ] && echo "$1"
echo {DUMPED}
read -r _
leave 0
"""
"""Arguments: the scratch directory, which must not exist; the KiB that must stay free there; the
owner's mark; pg_dump and its other arguments. The dump is `dump` in the scratch directory. Exit
status: pg_dump's, or of sysexits.h: 74 where the files cannot be handled, 75 where room ran out."""
