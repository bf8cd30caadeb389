"""Slash commands' twins as people and scripts type them, with no Opsbell running."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from bot.backups.model import MANIFEST
from bot.twin import _without_dashes
from tests.backups.conftest import application_url as application_url
from tests.maintenance.page import Page, served
from tests.parts.house import host_target, write_config
from tests.parts.process import ChildProcess
from tests.parts.users import OPSBELL


@pytest.fixture
def page(tmp_path: Path) -> Iterator[Page]:
    with served(tmp_path / "app") as page:
        yield page


@pytest.fixture
def config(tmp_path: Path, database_url: str, application_url: str, page: Page) -> Path:
    target = host_target(tmp_path, application_url)
    closed = f"    maintenance: {{file: maintenance_mode.txt, url: {page.url}}}\nbackups:"
    return write_config(tmp_path, database_url, target.replace("backups:", closed, 1))


async def typed(config: Path, *words: str) -> tuple[int, str]:
    """The exit status, and what was printed on standard output."""
    shell = ("sh", "-c", 'exec "$0" "$@" 2>errors', *OPSBELL, *words)
    async with ChildProcess(*shell, cwd=config.parent) as process:
        status = await process.wait(timeout=60)
    return status, "\n".join(process.output)


async def asked(config: Path, *words: str) -> tuple[int, dict[str, Any]]:
    status, printed = await typed(config, *words, "--json")
    found: dict[str, Any] = json.loads(printed)
    return status, found


async def test_a_backup_says_where_it_is_and_why_it_failed(config: Path) -> None:
    status, done = await asked(config, "backup", "now", "media")
    assert (status, done["state"], done["error"]) == (0, "done", "")
    manifest = json.loads((Path(done["path"]) / MANIFEST).read_text())
    assert manifest["id"] == done["backup"]
    (config.parent / "app" / "media").rename(config.parent / "app" / "moved")
    status, failed = await asked(config, "backup", "now", "media")
    assert (status, failed["state"]) == (1, "failed")
    assert "media" in failed["error"]
    assert "backup" not in failed
    # The same of one that ended long ago.
    status, looked = await asked(config, "operation", "2")
    assert status == 0
    assert looked == {**failed, "can": []}


async def test_a_plan_is_shown_and_nothing_is_run(config: Path) -> None:
    _, made = await asked(config, "backup", "now", "database")
    for words, shown in (
        (("restore", "latest"), "swap"),
        (("backup", "now", "media"), "media.tar.zst"),
        (("maintenance", "on"), "maintenance_mode.txt"),
    ):
        status, plan = await typed(config, *words, "--plan")
        assert status == 0, plan
        assert shown in plan
        assert "undo" in plan.lower()
    assert made["backup"] in (await typed(config, "restore", "latest", "--plan"))[1]
    # How long it took before is what it is expected to take.
    _, backup = await typed(config, "backup", "now", "database", "--plan")
    assert re.search(r"Database · (under 1 s|about [\d.]+ s)", backup), backup
    assert not (config.parent / "app" / "maintenance_mode.txt").exists()
    assert (await typed(config, "operation", "2"))[0] == 1


async def test_a_page_that_does_not_follow_is_a_warning_and_on_all_the_same(
    config: Path, page: Page
) -> None:
    page.blind = True
    status, told = await typed(config, "maintenance", "on", "Upgrade")
    assert status == 0
    assert "⚠️ Maintenance of grandvps on · done" in told
    assert "⚠️ Maintenance on\N{EM SPACE}on, but the page answers 200 instead of 503" in told
    assert "✅" not in told
    page.blind = False
    status, off = await asked(config, "maintenance", "off")
    assert (status, off["proven"]) == (0, True)
    page.blind = True
    status, on = await asked(config, "maintenance", "on")
    assert (status, on["state"], on["proven"]) == (0, "done", False)


def test_only_a_word_with_such_a_dash_is_read_as_in_slack() -> None:
    assert _without_dashes("—why <b|c> &amp; don’t") == "--why <b|c> &amp; don't"
    for same in ("“why", "why —x", "— why", "--why", "<b|c>"):
        assert _without_dashes(same) == same


@pytest.mark.parametrize("plan", ["—plan", "–plan"])
async def test_a_phones_dash_is_an_option_as_in_slack(config: Path, page: Page, plan: str) -> None:
    status, told = await typed(config, "maintenance", "on", "Upgrade — <b|c>", "&amp;", plan)
    assert status == 0, told
    assert f"create {page.file}" in told
    assert "Reason: Upgrade — <b|c> &amp;" in told
    assert not page.file.exists()
