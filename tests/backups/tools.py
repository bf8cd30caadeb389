"""The plain tools that a set has to be readable with."""

import asyncio
import io
import re
import subprocess
import tarfile
from pathlib import Path

import zstandard


def members(archive: Path) -> dict[str, tarfile.TarInfo]:
    """What an archive of a set holds, by name."""
    with tarfile.open(fileobj=_plain(archive)) as tar:
        return {member.name: member for member in tar}


def unpack(archive: Path, into: Path) -> None:
    """Unpacks an archive of a set with the standard library."""
    into.mkdir(exist_ok=True)
    with tarfile.open(fileobj=_plain(archive)) as tar:
        for member in tar:
            tar.extract(member, into, filter="tar")


def _plain(archive: Path) -> io.BytesIO:
    with archive.open("rb") as file, zstandard.ZstdDecompressor().stream_reader(file) as plain:
        return io.BytesIO(plain.read())


async def shell(script: str) -> str:
    """Runs a script as a person would paste it into a shell; what it wrote.

    Fails where a command of it fails, also at the start of a pipe.
    """
    done = await asyncio.to_thread(
        subprocess.run,
        ["bash", "-euo", "pipefail"],
        input=script,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def commands(guide: Path, *, leave_out: str = "") -> str:
    """The commands of a RESTORE.md as they are, without the chapter that is to be left out."""
    chapters = re.split(r"^## ", guide.read_text(), flags=re.MULTILINE)
    kept = [c for c in chapters if not (leave_out and leave_out in c.partition("\n")[0])]
    return "\n".join(
        block for chapter in kept for block in re.findall(r"```sh\n(.*?)```", chapter, re.DOTALL)
    )
