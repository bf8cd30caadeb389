"""What a local Slack remembers from one run to the next."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from slack_sdk.web.async_client import AsyncWebClient

from bot.playground import LocalSlack
from bot.playground.memory import Memory


def client_of(slack: LocalSlack) -> AsyncWebClient:
    return AsyncWebClient(token=slack.bot_token, base_url=slack.api_url)


async def test_messages_threads_edits_reactions_and_files_are_there_again(tmp_path: Path) -> None:
    async with LocalSlack() as slack:
        with Memory(slack, tmp_path) as memory:
            assert memory.is_new
            alice, client = slack.person("alice"), client_of(slack)
            parent = await alice.say("a parent", "ops")
            await alice.say("a reply", "ops", thread=parent)
            await alice.react(parent, "eyes")
            posted = await client.chat_postMessage(channel="C0OPS00001", text="first words")
            await client.chat_update(channel="C0OPS00001", ts=posted["ts"], text="later words")
            gone = await client.chat_postMessage(channel="C0OPS00001", text="deleted")
            await client.chat_delete(channel="C0OPS00001", ts=gone["ts"])
            await client.chat_postEphemeral(channel="C0OPS00001", user=alice.id, text="whispered")
            await client.chat_postMessage(channel=alice.dm.id, text="between us")
            await client.files_upload_v2(channel="C0OPS00001", filename="a.txt", content="inside")
            await slack.wait_for_message("ops", where=lambda message: bool(message.files))
            before, direct = slack.messages("ops"), alice.dm.id
    async with LocalSlack() as slack:
        with Memory(slack, tmp_path) as memory:
            assert not memory.is_new
            after = slack.messages("ops")
            assert [(each.ts, each.text) for each in after] == [
                (each.ts, each.text) for each in before
            ]
            assert [each.text for each in after][:2] == ["a parent", "later words"]
            assert after[0].reactions == {"eyes": ("U0ALICE001",)}
            assert [each.text for each in slack.replies(after[0])] == ["a reply"]
            alice = slack.person("alice")
            assert alice.dm.id == direct
            assert [each.text for each in slack.messages(alice.dm)] == ["between us"]
            assert alice.ephemerals() == []
            [shared] = after[-1].files
            assert slack.file_bytes(shared["id"]) == b"inside"
            assert shared["url_private"].startswith(slack.backend.base_url)
            updated = await client_of(slack).chat_update(
                channel="C0OPS00001", ts=after[1].ts, text="words of today"
            )
            assert updated["ok"]
            newer = await slack.person("bob").say("new", "ops")
            assert newer.ts > after[-1].ts
            assert slack.workspace.new_id("F") > shared["id"]


async def test_what_a_kill_cut_off_costs_one_line_at_most(tmp_path: Path) -> None:
    async with LocalSlack() as slack:
        memory = Memory(slack, tmp_path)
        with memory:
            await slack.person("alice").say("kept", "ops")
    journal = tmp_path / "journal.jsonl"
    with journal.open("a") as file:
        file.write('{"message": {"channel": "C0OPS00001", "ts": "17')
    async with LocalSlack() as slack:
        with Memory(slack, tmp_path):
            assert [each.text for each in slack.messages("ops")] == ["kept"]


async def with_a_file(directory: Path) -> str:
    """A memory of one message beside a file; the file's ID."""
    async with LocalSlack() as slack:
        with Memory(slack, directory):
            alice = slack.person("alice")
            await alice.say("kept", "ops")
            file = await alice.upload("a.txt", b"inside")
            await alice.say("look", "ops", files=[file])
            return file.id


def emptied(path: Path) -> None:
    path.write_bytes(b"")


def garbled(path: Path) -> None:
    path.write_bytes(b"\xff\x00[1, 2]")


@pytest.mark.parametrize("spoil", [emptied, garbled, Path.unlink])
@pytest.mark.parametrize("suffix", ["", ".json"])
async def test_a_file_that_was_cut_off_is_passed_over_and_its_id_given_to_no_other(
    tmp_path: Path, spoil: Callable[[Path], None], suffix: str
) -> None:
    lost = await with_a_file(tmp_path)
    spoil(tmp_path / "files" / f"{lost}{suffix}")
    async with LocalSlack() as slack:
        with Memory(slack, tmp_path):
            assert [each.text for each in slack.messages("ops")] == ["kept", "look"]
            assert slack.messages("ops")[1].files == ()
            newer = await slack.person("alice").upload("b.txt", b"newer")
            assert newer.id > lost
            await slack.person("alice").say("newer", "ops", files=[newer])
    async with LocalSlack() as slack:
        with Memory(slack, tmp_path):
            assert slack.file_bytes(newer.id) == b"newer"


async def test_what_another_release_wrote_is_read_as_far_as_it_fits(tmp_path: Path) -> None:
    file_id = await with_a_file(tmp_path)
    journal = tmp_path / "journal.jsonl"
    lines = [json.loads(line) for line in journal.read_text().splitlines()]
    for line in lines:
        for known in line.values():
            if isinstance(known, dict):
                known["of_a_later_release"] = True
    lines += [
        {"message": {"channel": "C0OPS00001", "ts": "1700000000.000001"}},
        {"message": {"channel": "C0GONE0001", "ts": "1700000000.000002"}},
        {"message": {"channel": "C0OPS00001", "ts": "not a ts", "reactions": {}, "files": []}},
        {"message": 7},
        {"channel": {"id": "C0HALF0001"}},
        {"something_new": []},
        [1, 2],
    ]
    journal.write_text("".join(f"{json.dumps(line)}\n" for line in lines))
    described = tmp_path / "files" / f"{file_id}.json"
    described.write_text(json.dumps(json.loads(described.read_text()) | {"of_a_later": 1}))
    async with LocalSlack() as slack:
        with Memory(slack, tmp_path):
            assert [each.text for each in slack.messages("ops")] == ["kept", "look"]
            assert slack.file_bytes(file_id) == b"inside"
            assert "C0HALF0001" not in slack.workspace.channels


async def test_it_is_nobody_elses_to_read(tmp_path: Path) -> None:
    directory = tmp_path / "workspace"
    await with_a_file(directory)
    assert directory.stat().st_mode & 0o077 == 0
