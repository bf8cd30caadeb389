"""The shell scripts that run inside containers, for plain POSIX shells without any tool beside.

The Engine can start a process in a container but not end one, and says of a broken connection only
that there is no more. Hence a process is started by a script that tells where it runs and marks
the end of its output, and is ended by another one. What a person or the configuration gave comes
as arguments only, never as part of a script.
"""

START = """\
token=$1
shift
found=missing
command -v "$1" >/dev/null 2>&1 && found=found
printf '%s %s %s\\n' "$token" "$$" "$found" >&2
[ "$found" = found ] || exit 127
"$@"
status=$?
printf '\\000%s' "$token"
exit "$status"
"""
"""Arguments: a token, the program and its arguments. Its first line of errors is the token, its
own process ID in the container, and whether the program was found; its output is the program's,
then a zero byte and the token. Container runtimes make it the leader of a session of its own."""

SIGNAL = """\
signal=$1
session=$2
whom=$3
digit='[0-9]'
name=
stats=
while [ "${#name}" -lt 35 ]; do
  name=$name$digit
  stats="$stats /proc/$name/stat"
done
scan() {
  living=
  parents=
  for stat in $stats; do
    read -r line 2>/dev/null <"$stat" || continue
    pid=${line%% *}
    set -- ${line##*) }
    [ "$4" = "$session" ] || continue
    parents="$parents $2 "
    [ "$1" != Z ] && [ "$1" != X ] || continue
    living="$living $2:$pid "
  done
}
reached() {
  parent=${1%:*}
  case $parents in
    *" ${1#*:} "*) [ "$whom" = all ] && [ "${1#*:}" != "$session" ]; return ;;
  esac
  case ${living#*" $1 "} in
    *" $parent:"*) return 0 ;;
  esac
  case ${living%%" $1 "*} in
    *" $parent:"*) [ "$whom" = all ] ;;
  esac
}
scan
alive=0
held=
for each in $living; do
  alive=$((alive + 1))
  reached "$each" && kill -s STOP "${each#*:}" 2>/dev/null && held="$held $each"
done
scan
for each in $held; do
  reached "$each" && kill -s "$signal" "${each#*:}" 2>/dev/null
done
for each in $held; do
  kill -s CONT "${each#*:}" 2>/dev/null
done
echo "$alive"
"""
"""Arguments: a signal's name, a session, and `leaves` or `all`. Signals each living process of the
session that has no child left (or all, the leader still last), and says how many living ones there
were (proc(5): the fields after the name are state, parent, group, session). Sent again and again
it ends a session from its leaves to its leader.

The order matters: an orphan becomes the child of the container's first process, and where that is
PostgreSQL, a child that dies by a signal makes it restart the whole server. Each process is left
to its own parent, a dead one as well until that has seen it. What seems to have no child is held
while that is looked at again, lest it start one in between. The youngest child of a parent goes
when its elder ones are dead: a shell waits for it, and when it ends, ends and leaves them orphans.
Young and old are by number, of up to 7 digits; a plain pattern would sort 1000 before 999."""


def end_mark(token: str) -> bytes:
    """What stands at the end of complete output. Text does not hold a zero byte, so nothing that
    a dialogue waits for is ever held back as a possible beginning of it."""
    return b"\0" + token.encode()
