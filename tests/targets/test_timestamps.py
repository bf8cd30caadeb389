"""Times at the beginning of log lines."""

from datetime import UTC, datetime

import pytest

from bot.targets.timestamps import line_time

AT = datetime(2026, 11, 22, 14, 5, 9, tzinfo=UTC)


@pytest.mark.parametrize(
    "line",
    [
        "2026-11-22T14:05:09Z hello",
        "2026-11-22T15:05:09+01:00 hello",
        "2026-11-22 09:05:09 -0500 hello",
        "[2026-11-22 14:05:09 +0000] [123] [INFO] Starting gunicorn",
        "ERROR 2026-11-22 14:05:09Z web: hello",
        "[ERROR] 2026-11-22 14:05:09Z web: hello",
        '203.0.113.7 - alice [22/Nov/2026:15:05:09 +0100] "GET / HTTP/1.1" 200 5',
        '2001:db8::1 - - [22/Nov/2026:14:05:09 +0000] "GET / HTTP/1.1" 200 5',
    ],
)
def test_known_forms(line: str) -> None:
    assert line_time(line) == AT


@pytest.mark.parametrize(
    "line", ["2026-11-22 14:05:09,123 ERROR web: hello", "2026/11/22 14:05:09.123 [error] 7#7: *1"]
)
def test_a_time_without_a_zone_is_local(line: str) -> None:
    found = line_time(line)
    assert found is not None
    assert found.replace(microsecond=0) == AT.replace(tzinfo=None).astimezone()


def test_fractions() -> None:
    assert line_time("2026-11-22T14:05:09.123456789Z") == AT.replace(microsecond=123456)
    assert line_time("2026-11-22T14:05:09,5Z") == AT.replace(microsecond=500000)


@pytest.mark.parametrize(
    "line",
    [
        "",
        "Traceback (most recent call last):",
        "  File 'a.py', line 2026-11-22",
        "2026-13-45 14:05:09Z no such month",
        "22/Xyz/2026:14:05:09 +0000",
        "1.2.3.4 - - [22/Xyz/2026:14:05:09 +0000] x",
        "order 7 of user 2026-11-22 14:05:09Z",
    ],
)
def test_other_lines_have_none(line: str) -> None:
    assert line_time(line) is None
