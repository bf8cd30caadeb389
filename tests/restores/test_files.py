"""Files are unpacked beside the live ones, exchanged with them, and back."""

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from bot.operations.states import OperationState
from bot.restores import files_here
from bot.restores.stages import STAGE, Stage
from tests.backups.sample import tree
from tests.restores.bench import Bench


def application(bench: Bench) -> Path:
    return bench.backups.settings.target(bench.target).directory


def stages(directory: Path) -> list[str]:
    return sorted(path.name for path in directory.rglob(f"{STAGE}*"))


def change(directory: Path) -> None:
    """What an application does to its files after a backup."""
    media = directory / "media"
    (media / "avatars" / "user 1 ü.png").write_bytes(b"newer")
    (media / "avatars" / "new.png").write_bytes(b"new")
    (media / "latest.png").unlink()
    (media / "added").mkdir()
    (media / "added" / "x").write_text("x")
    (media / "empty").rmdir()
    (media / ".hidden").write_text("h")


async def test_come_back_as_they_were_and_go_back(host: Bench) -> None:
    directory = application(host)
    taken = tree(directory / "media")
    opened = os.open(directory / "media", os.O_RDONLY | os.O_DIRECTORY)
    await host.backups.make("media", "config")
    change(directory)
    changed = tree(directory / "media")
    environment = (directory / ".env.production").read_text()
    (directory / ".env.production").write_text("SECRET_KEY=another\n")
    await host.restored(parts=["media", "config"])
    assert tree(directory / "media") == taken
    assert (directory / ".env.production").read_text() == environment
    assert (directory / ".env.production").stat().st_mode & 0o777 == 0o600
    # The directory itself is still the one that it was, wherever else it is mounted.
    assert os.fstat(opened).st_ino == (directory / "media").stat().st_ino
    os.close(opened)
    assert len(stages(directory)) == 2
    await host.undone(parts=["media"])
    assert tree(directory / "media") == changed
    assert (directory / ".env.production").read_text() == environment
    await host.undone()
    assert tree(directory / "media") == taken


async def test_a_failure_leaves_them_as_they_were(
    host: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    directory = application(host)
    await host.backups.make("media", "logs")
    change(directory)
    before = tree(directory)
    exchange = files_here.exchange
    refused: list[int] = []

    def refuse_logs(found: list[Stage], operation: int, **how: Any) -> None:
        exchange(found, operation, **how)
        if found[0].live.name == "logs" and not refused:
            refused.append(operation)
            raise OSError(28, "No space left on device")

    monkeypatch.setattr(files_here, "exchange", refuse_logs)
    operation = await host.run("restore", set="latest", parts=["media", "logs"])
    assert operation.state is OperationState.FAILED
    assert "No space left on device" in operation.error
    assert "could not be undone" not in operation.error
    after: Mapping[str, Any] = tree(directory)
    assert {name: after[name] for name in before} == before
    # Restored media had been in use for a moment: what may have been written stays.
    assert [name.split("-")[1] for name in stages(directory)] == ["media"]


def entries(directory: Path) -> dict[str, str]:
    return {path.name: path.read_text() for path in directory.iterdir() if path.is_file()}


@pytest.mark.parametrize("three_steps", [False, True])
@pytest.mark.parametrize("cut_after", range(9))
def test_an_exchange_that_is_cut_off_goes_on_or_back(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, cut_after: int, three_steps: bool
) -> None:
    live, stage = tmp_path / "live", Stage(tmp_path / "live", "live", tmp_path / ".opsbell-x")
    live.mkdir()
    stage.aside.mkdir(parents=True)
    for name in "abc":
        (live / name).write_text(f"old {name}")
    for name in "bcd":
        (stage.aside / name).write_text(f"new {name}")
    old, new = entries(live), entries(stage.aside)
    steps = [0]
    rename, swap = Path.rename, files_here._swap

    def counted(work: Any) -> Any:
        def step(*arguments: Any) -> Any:
            if steps[0] == cut_after:
                raise KeyboardInterrupt
            steps[0] += 1
            return work(*arguments)

        return step

    def in_three_steps(one: Path, other: Path) -> None:
        one.rename(files_here._between(other))
        other.rename(one)
        files_here._between(other).rename(other)

    files_here.begin([stage], 7)
    for back in (True, False):
        steps[0] = 0
        with monkeypatch.context() as patched:
            patched.setattr(Path, "rename", counted(rename))
            patched.setattr(files_here, "_swap", in_three_steps if three_steps else counted(swap))
            try:
                files_here.exchange([stage], 7)
            except KeyboardInterrupt:
                assert not files_here.exchanged([stage], 7)
        if back:
            files_here.exchange([stage], 7, back=True)
            assert entries(live) == old
            assert entries(stage.aside) == new
            files_here.begin([stage], 7)
        else:
            files_here.exchange([stage], 7)
            assert entries(live) == new
            assert entries(stage.aside) == old
            assert files_here.exchanged([stage], 7)
