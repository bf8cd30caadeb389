"""What a local Slack remembers from one run to the next."""

from __future__ import annotations

from pathlib import Path

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
