"""`/backup`: its words, and what they answer."""

from typing import Any

import pytest

from bot.errors import NotFound, Refused, UsageError
from bot.operations.asking import Asking
from bot.slack.limits import fit
from bot.slack.surface import Answer, Kind, Request
from commands.backup import BackupCommand
from tests.backups.conftest import ALICE, Bench


class NoModals:
    """None of the answers opens a modal."""

    async def open(self, request: Request, view: Any) -> str:
        raise AssertionError("a modal was opened")

    async def update(self, view_id: str, view: Any) -> None:
        raise AssertionError("a modal was changed")


@pytest.fixture
def command(host: Bench) -> BackupCommand:
    return BackupCommand(host.settings, host.backups, Asking(host.database, host.operations))


def request(text: str) -> Request:
    return Request(Kind.COMMAND, f"command:{text}", "backup", "U0ALICE001", text=text)


async def ask(command: BackupCommand, text: str) -> Answer:
    """What a query answers; Slack would take it."""
    call = command.parse(request(text))
    assert call.query
    answer = await call.query(request(text), NoModals())
    assert answer
    assert fit(answer.message).overflow is None
    return answer


async def change(bench: Bench, command: BackupCommand, text: str) -> Answer:
    """What a change answers, once it is committed."""
    call = command.parse(request(text))
    assert call.change
    async with bench.database.transaction() as tx:
        answer = await call.change(request(text), tx)
    assert answer
    return answer


def shown(answer: Answer) -> str:
    return "\n".join(str(block) for block in answer.message.blocks)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("nwo", "does not know nwo"),
        ("now mediaa", r'"mediaa" is no part of a backup \(did you mean media\?\)'),
        ("now everything", "can hold database, media, logs and config"),
        ("show a b", "Say which backup"),
        ("list all", "no further words"),
        ("now in:elsewhere", 'no target "elsewhere"'),
        ('now "media', "is not closed"),
    ],
)
async def test_wrong_words_are_told(command: BackupCommand, text: str, said: str) -> None:
    with pytest.raises(UsageError, match=said):
        command.parse(request(text))


@pytest.mark.parametrize(
    ("text", "include"),
    [
        ("now", ["database", "media", "logs", "config"]),
        ("NOW Media DATABASE media", ["database", "media"]),
        ("now in:grandvps config", ["config"]),
    ],
)
async def test_now_queues_what_was_asked_for(
    host: Bench, command: BackupCommand, text: str, include: list[str]
) -> None:
    answer = await change(host, command, text)
    operation = await host.operations.get(answer.data["operation"])
    assert operation.plan.facts["include"] == include
    assert (operation.actor, operation.reason) == (ALICE, "manual")
    assert answer.message.text == (
        f"The backup of grandvps was queued as operation {operation.id}. It is followed in #ops."
    )


async def test_a_second_one_queues_behind_the_first_and_says_so(
    host: Bench, command: BackupCommand
) -> None:
    first = await change(host, command, "now logs")
    second = await change(host, command, "now")
    behind = f"behind Backup of grandvps (operation {first.data['operation']})"
    assert behind in second.message.text


async def test_one_that_waits_already_is_joined(host: Bench, command: BackupCommand) -> None:
    first = await change(host, command, "now")
    again = [await change(host, command, text) for text in ("now", "now logs media")]
    assert {answer.data["operation"] for answer in again} == {first.data["operation"]}
    assert again[0].message.text.startswith("A backup of grandvps was waiting already")
    async with host.database.transaction() as tx:
        assert len(await host.operations.unfinished(tx)) == 1


async def test_alone_it_says_how_it_is_used_and_names_the_last(
    host: Bench, command: BackupCommand
) -> None:
    answer = await ask(command, "")
    assert answer.message.text == "There is no good backup of grandvps."
    assert "/backup now [PARTS]" in shown(answer)
    _, manifest = await host.make("logs")
    answer = await ask(command, "")
    assert answer.message.text.startswith(f"The last backup of grandvps is {manifest.id}, ")


async def test_the_list_shows_good_ones_and_bad_ones(host: Bench, command: BackupCommand) -> None:
    answer = await ask(command, "list")
    assert answer.message.text == "There is no backup of grandvps yet. `/backup now` takes one."
    bad, _ = await host.make("media")
    good, manifest = await host.make("logs")
    (bad / "manifest.json").write_text("{")
    answer = await ask(command, "list")
    assert answer.message.text.startswith("2 backups, 1 of them not to be trusted. The last ")
    assert f"✅ `{good.name}`" in shown(answer)
    assert f"🔴 `{bad.name}` cannot be trusted: manifest.json is not readable" in shown(answer)
    newest, oldest = answer.data["backups"]
    assert newest["manifest"]["id"] == manifest.id
    assert (oldest["manifest"], oldest["path"]) == (None, str(bad))


async def test_one_is_shown_in_full(host: Bench, command: BackupCommand) -> None:
    path, manifest = await host.make()
    for wanted in (manifest.id[:10], manifest.id.lower()):
        assert manifest.id in (await ask(command, f"show {wanted}")).message.text
    text = shown(await ask(command, "show latest"))
    for part in ("database.dump", "RESTORE.md", "public.users  1", "<@U0ALICE001>", str(path)):
        assert part in text
    with pytest.raises(NotFound, match='no backup "1999"'):
        await ask(command, "show 1999")


async def test_hundreds_of_tables_and_sets_still_fit(host: Bench, command: BackupCommand) -> None:
    path, manifest = await host.make("logs")
    many = manifest.model_copy(
        update={"tables": {f'public."{"t" * 60}{n}"': n for n in range(500)}}
    )
    (path / "manifest.json").write_text(many.model_dump_json())
    assert "and 480 tables more" in shown(await ask(command, "show latest"))
    for day in range(10, 29):
        other = path.with_name(f"202501{day}T000000Z")
        other.mkdir()
        (other / "manifest.json").write_text("{}")
    assert "and 5 older" in shown(await ask(command, "list"))


async def test_a_target_without_backups_says_what_to_add(
    host: Bench, command: BackupCommand
) -> None:
    without = host.settings.model_copy(update={"backups": {}})
    host.backups.settings = without
    with pytest.raises(Refused, match=r"no backups configured\. Add backups\.grandvps with"):
        await change(host, command, "now")
    with pytest.raises(Refused, match="no backups configured"):
        await ask(command, "list")
