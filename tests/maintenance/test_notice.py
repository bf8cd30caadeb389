"""What the file says."""

from __future__ import annotations

from datetime import UTC, datetime

from bot.maintenance.notice import Notice

FULL = Notice(
    target="grandvps",
    reason="Upgrade: to 1.5 # really",
    by="slack:U0ALICE001",
    since=datetime(2026, 11, 22, 21, 0, tzinfo=UTC),
    until=datetime(2026, 11, 22, 21, 30, tzinfo=UTC),
    allow=("192.0.2.7/32", "2001:db8::/32"),
    operation=57,
    before=True,
)


def test_it_reads_as_people_and_snippets_read_it() -> None:
    assert FULL.text() == (
        "# Put here by Opsbell. While this file exists, grandvps is in maintenance.\n"
        "target: grandvps\n"
        "reason: Upgrade: to 1.5 # really\n"
        "by: slack:U0ALICE001\n"
        "since: 2026-11-22T21:00:00Z\n"
        "until: 2026-11-22T21:30:00Z\n"
        "allow: 192.0.2.7/32 2001:db8::/32\n"
        "operation: 57\n"
        "before: yes\n"
    )


def test_it_is_read_back() -> None:
    assert Notice.read(FULL.text()) == FULL
    assert Notice.read("") == Notice()
    assert Notice.read("closed\nuntil: soon\noperation: ²\n: x\nsince:") == Notice()
