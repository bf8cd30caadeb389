"""Files in a service's container: unpacked beside the live ones and moved in, by its own tools.

The entries of the directory are moved, not the directory, which may be a mount. A script does it
from its first to its last entry, whatever becomes of Opsbell meanwhile; marks beside the files say
how far it came, so that it can be run again, forwards or back.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

from bot.backups import disk
from bot.backups.processes import failure
from bot.backups.threads import in_thread
from bot.errors import Failed, Unavailable
from bot.operations.model import StepContext
from bot.restores.stages import STAGE
from bot.targets.marked import MARK
from bot.targets.model import Target
from bot.words import size

logger = logging.getLogger(__name__)

_READ_SIZE = 1 << 20
_QUICK = timedelta(seconds=60)
_MOVE_LIMIT = timedelta(minutes=10)
_LOOK = timedelta(minutes=2)

# Arguments: the live path, the stage's name. Says where the stage lies: beside the directory where
# that is the same file system, else in it.
_STAGE = """
live=$1 name=$2
parent=${live%/*}
[ -d "$live" ] || { echo "$live is no directory" >&2; exit 1; }
if [ -w "${parent:-/}" ] && ! grep -qF " $live " /proc/self/mountinfo; then
    echo "$parent/$name"
else
    [ -w "$live" ] || { echo "$live is not writable" >&2; exit 1; }
    echo "$live/$name"
fi
"""

# Moves the entries of a directory into another. What both have, the application has made anew in
# the live one meanwhile: it is put aside beside the stage, which an undo removes, and where it
# lies is said.
_EACH = """
each() {
    for entry in "$1"/* "$1"/.[!.]* "$1"/..?*; do
        name=${entry##*/}
        case $name in .opsbell-*) continue ;; esac
        [ -e "$entry" ] || [ -L "$entry" ] || continue
        if [ -e "$2/$name" ] || [ -L "$2/$name" ]; then
            aside "$live/$name"
            [ "$1" = "$live" ] && continue
        fi
        mv -f -- "$entry" "$2/" || exit 1
    done
}
aside() {
    late=${mark%/*}-late number=0
    while [ -e "$late/$number" ]; do number=$((number + 1)); done
    mkdir -p -m 700 "$late/$number" && mv -f -- "$1" "$late/$number/" || exit 1
    echo "$late/$number/${1##*/}"
}
"""

# Arguments: live, in, out, mark. Moves what is live out, then what is in to live.
_MOVE = (
    _EACH
    + """
live=$1 in=$2 out=$3 mark=$4
[ -e "$mark.done" ] && exit 0
[ -d "$in" ] || { echo "$in is not there" >&2; exit 1; }
mkdir -p "$out" || exit 1
if ! [ -e "$mark.out" ]; then
    : >"$mark.begun" && each "$live" "$out" && : >"$mark.out" || exit 1
fi
each "$in" "$live" && : >"$mark.done"
"""
)

# The same arguments: moves what came in back in, then what went out back to live.
_BACK = (
    _EACH
    + """
live=$1 in=$2 out=$3 mark=$4
[ -e "$mark.begun" ] || exit 0
if ! [ -e "$mark.back" ]; then
    if [ -e "$mark.out" ]; then each "$live" "$in" || exit 1; fi
    : >"$mark.back" || exit 1
fi
each "$out" "$live" && rm -f "$mark.done" "$mark.out" "$mark.begun" "$mark.back"
"""
)


# Arguments: the live path, what the names of a part's stages begin with. Each stage with how many
# exchanges were begun in it; what the application made meanwhile is as little to be lost as what
# was replaced.
_FIND = """
live=$1 name=$2
for stage in "${live%/*}/$name"* "$live/$name"*; do
    [ -d "$stage" ] || continue
    case $stage in *-late) echo "1 $stage" && continue ;; esac
    set -- "$stage"/.operation-*.begun
    [ -e "$1" ] && echo "$# $stage" || echo "0 $stage"
done
"""


@dataclass(frozen=True)
class ServiceStage:
    """A directory `live` of a service's container, and the `stage` beside it: in its `new` lies
    what the archive held, in its `old` what was replaced."""

    service: str
    live: str
    stage: str

    @property
    def new(self) -> str:
        """Where the archive's contents lie: it names them from the root."""
        return f"{self.stage}/new{self.live}"

    @property
    def old(self) -> str:
        """Where the replaced contents lie."""
        return f"{self.stage}/old"


async def find_stage(target: Target, service: str, live: str, name: str) -> ServiceStage:
    """Where the files of a service are unpacked. Raises Failed where they cannot be replaced."""
    done = await target.run(
        ["sh", "-c", _STAGE, "sh", live, f"{STAGE}{name}"], timeout=_QUICK, service=service
    )
    if done.status:
        raise failure(target, f"Looking at {live} in {service}", done.status, done.stderr)
    return ServiceStage(service, live, done.stdout.strip())


async def unpack(
    target: Target, stage: ServiceStage, archive: Path, mark: str, context: StepContext
) -> None:
    """Unpacks an archive into the stage. Raises Failed."""
    await _sh(target, stage, "mkdir -m 700 -- $1 && mkdir -m 700 -- $1/new", stage.stage)
    async with target.process(
        ["tar", "-x", "-p", "-f", "-", "-C", f"{stage.stage}/new"],
        service=stage.service,
        environment={MARK: mark},
        stdin=True,
    ) as process:
        sent = 0
        try:
            with await in_thread(archive.open, "rb") as file:
                reader = disk.plain(file)
                while data := await in_thread(reader.read, _READ_SIZE):
                    await process.write(data)
                    sent += len(data)
                    await context.progress(f"{size(sent)} unpacked")
            await process.end_input()
        except Unavailable:
            await context.progress("tar has ended")
        if status := await process.wait():
            raise failure(target, "tar", status, process.error_tail)
    await _sh(target, stage, "test -d $1", stage.new)


async def move(
    target: Target, stage: ServiceStage, operation: int, mark: str, *, into: bool
) -> list[str]:
    """Moves what is live out and the other in: the unpacked `into` place, or the replaced. Where
    what was put aside lies that the application made meanwhile."""
    return await _script(target, stage, _MOVE, operation, mark, into=into)


async def move_back(
    target: Target, stage: ServiceStage, operation: int, mark: str, *, into: bool
) -> None:
    """Takes back what such a move has done, however far it came. See `move`."""
    await _script(target, stage, _BACK, operation, mark, into=into)


async def was_moved(target: Target, stage: ServiceStage, operation: int) -> bool:
    """Whether such a move was finished."""
    return await _is_there(target, stage, f"{_marks(stage, operation)}.done")


async def was_begun(target: Target, stage: ServiceStage, operation: int) -> bool:
    """Whether such a move was begun, and not taken back since."""
    return await _is_there(target, stage, f"{_marks(stage, operation)}.begun")


async def remove(target: Target, stage: ServiceStage) -> None:
    """Removes the stage with all that is in it; one that is not there is no error."""
    if not stage.stage.rpartition("/")[2].startswith(STAGE):
        raise Failed(f"{stage.stage} is no directory of a restore.")
    done = await target.run(
        ["rm", "-rf", "--", stage.stage], timeout=_MOVE_LIMIT, service=stage.service
    )
    if done.status:
        raise failure(target, f"Removing {stage.stage}", done.status, done.stderr)


async def stages_in(target: Target, service: str, live: str, part: str) -> dict[str, bool]:
    """The stages of a part in a service's container, each with whether replaced files may lie in
    it. Raises Failed and Unavailable where they cannot be looked for."""
    argv = ["sh", "-c", _FIND, "sh", live, f"{STAGE}{part}-"]
    done = await target.run(argv, timeout=_QUICK, service=service)
    if done.status:
        raise failure(target, f"Looking beside {live} in {service}", done.status, done.stderr)
    lines = [line.partition(" ") for line in done.stdout.splitlines()]
    return {path: begun != "0" for begun, _, path in lines}


async def end_work(target: Target, service: str, mark: str) -> None:
    """Ends what may still run in the container. A script that moves files ends by itself."""
    await target.end_marked(mark, service=service)


async def _script(
    target: Target, stage: ServiceStage, script: str, operation: int, mark: str, *, into: bool
) -> list[str]:
    pair = (stage.new, stage.old) if into else (stage.old, stage.new)
    argv = ["sh", "-c", script, "sh", stage.live, *pair, _marks(stage, operation)]
    done = await target.run(
        argv, timeout=_MOVE_LIMIT, service=stage.service, environment={MARK: mark}
    )
    if done.status:
        raise failure(target, f"Moving the files of {stage.live}", done.status, done.stderr)
    late = done.stdout.splitlines()
    if late:
        told = {"target": target.name, "service": stage.service, "files": ", ".join(late)}
        logger.warning("files that were made meanwhile were put aside", extra=told)
    return late


async def _sh(target: Target, stage: ServiceStage, script: str, path: str) -> None:
    argv = ["sh", "-c", script.replace("$1", '"$1"'), "sh", path]
    done = await target.run(argv, timeout=_LOOK, service=stage.service)
    if done.status:
        raise failure(target, f"Preparing {path}", done.status, done.stderr)


async def _is_there(target: Target, stage: ServiceStage, path: str) -> bool:
    done = await target.run(["test", "-e", path], timeout=_QUICK, service=stage.service)
    return done.status == 0


def _marks(stage: ServiceStage, operation: int) -> str:
    return f"{stage.stage}/.operation-{operation}"
