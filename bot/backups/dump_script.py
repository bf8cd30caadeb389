"""The shell script that dumps a directory inside a container and sends it out meanwhile.

pg_dump writes each table into a file of its own; the script sends the files that are finished, as
one tar archive after another, and removes them. So the dump and its way out overlap, and scratch
space is needed for what waits to be sent only. For plain POSIX shells with tar beside.

A file is finished when it is there and no process of pg_dump has it open: those are looked at
after the files, and no file is opened a second time. Only while all of its workers are to be seen
is that trusted (the kernel may leave out some of a process's children while one of them ends, and
need not list them at all); else what is left is sent at the end. The list of contents is written
last of all.
"""

NO_ROOM = 75
"""The exit status that says that the file system had nearly run full."""

DUMP_OUT = """\
scratch=$1 reserve=$2 mark=$3 jobs=$4
shift 4
umask 077
if ! mkdir "$scratch" || ! printf '%s\\n' "$mark" >"$scratch/mark"; then exit 74; fi
cd "$scratch" || exit 74
leave() {
    [ -e status ] || kill "$(cat pid)" 2>/dev/null
    wait "$dumper"
    cd / && rm -rf "$scratch"
    exit "$1"
}
(
    "$@" --jobs="$jobs" --file="$scratch/dump" >&2 &
    echo "$!" >pid
    wait "$!"
    echo "$?" >ended
    mv ended status
) </dev/null &
dumper=$!
trap 'leave 143' TERM HUP INT
(
    while sleep 1 && [ -e mark ] && ! [ -e status ]; do
        set -- $(df -P -k . | tail -n 1)
        if [ "$4" -lt "$reserve" ]; then
            : >full
            kill "$(cat pid)"
            break
        fi
    done
) </dev/null >/dev/null 2>&1 &
look_at_open_files() {
    read -r pid <pid
    workers=
    read -r workers <"/proc/$pid/task/$pid/children"
    places=/proc/$pid/fd count=0
    for worker in $workers; do
        places="$places /proc/$worker/fd" count=$((count + 1))
    done
    [ "$count" = "$jobs" ] || return 1
    open=$(ls -l $places)
    [ "$?" -le 1 ] || return 1
    open="$open
"
}
ended=
while ! [ "$ended" ]; do
    [ -e status ] && ended=yes
    set --
    for file in dump/*; do
        case $file in
            dump/toc.dat | 'dump/*') ;;
            *) set -- "$@" "${file#dump/}" ;;
        esac
    done
    open=
    if [ "$ended" ]; then
        if [ -e full ]; then
            echo 'the disk with the scratch files is nearly full' >&2
            leave 75
        fi
        read -r status <status
        [ "$status" = 0 ] || leave "$status"
        set -- "$@" toc.dat
    elif [ "$#" = 0 ] || ! look_at_open_files 2>/dev/null; then
        sleep 0.1
        continue
    fi
    count=$#
    while [ "$count" -gt 0 ]; do
        file=$1 count=$((count - 1))
        shift
        case $open in
            *" $scratch/dump/$file
"*) ;;
            *) set -- "$@" "$file" ;;
        esac
    done
    if [ "$#" -gt 0 ]; then
        tar -c -f - -C dump -- "$@" || leave 74
        (cd dump && rm -f -- "$@") || leave 74
    fi
    [ "$ended" ] || sleep 0.1
done
leave 0
"""
"""Arguments: the scratch directory, which must not exist, as a real path; the KiB that must stay
free there; the owner's mark; the number of jobs; pg_dump and its other arguments. Its exit status
is pg_dump's, or of sysexits.h: 74 where the files cannot be handled, 75 where room ran out."""
