"""The shell script that dumps a directory inside a container and sends it out meanwhile.

pg_dump writes each table into a file of its own; the script sends the files that are finished, as
one tar archive after another, and removes them. So the dump and its way out overlap, and scratch
space is needed for what waits to be sent only. For plain POSIX shells with tar beside.

A file is sent when nobody will write to it any more, for these reasons:

* A file that holds a byte has, or had, a descriptor in the process that writes it: the byte came
  through it. So a file is looked at only once it is not empty (an empty one may be so new that its
  descriptor is still to come), and pg_dump opens no file of data a second time.
* Descriptors are looked at after the files. One that is open all the while is listed.
* The listing is that of all who write: the main process, and as many children as there are jobs.
  The kernel may leave out some of the children while one of them ends, and need not list them at
  all: then the number is wrong.
* Where a descriptor leads could be read. pg_dump's standard input is the mark file, which its
  workers inherit: a process in whose listing the mark does not stand hides its descriptors or has
  ended.

Where any of it fails nothing is sent early; what is left is sent once pg_dump has ended well. The
list of contents is written last of all.
"""

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
    "$@" --jobs="$jobs" --file="$scratch/dump" >&2 <mark &
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
    for place in $places; do
        one=$(ls -l "$place")
        case $one in
            *" $scratch/mark
"* | *" $scratch/mark") ;;
            *) return 1 ;;
        esac
        open="$open$one
"
    done
}
ended=
while ! [ "$ended" ]; do
    [ -e status ] && ended=yes
    set --
    for file in dump/*; do
        case $file in
            dump/toc.dat | 'dump/*') ;;
            *) if [ "$ended" ] || [ -s "$file" ]; then set -- "$@" "${file#dump/}"; fi ;;
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
