"""What is logged, and what is not said again and again."""

import logging

from bot.log import FirstInARow, LineFormatter


def test_an_event_is_one_line_whatever_others_say() -> None:
    words = "error connecting in %r: no such file\n\tIs the server running?"
    record = logging.LogRecord("psycopg.pool", logging.WARNING, "", 0, words, ("pool-1",), None)
    record.error = "FATAL:\n  shutting down"
    line = LineFormatter(str).format(record)
    assert line.endswith(
        " WARNING psycopg.pool error connecting in 'pool-1': no such file Is the server running?"
        " error=FATAL: shutting down"
    )


def test_of_a_row_of_like_warnings_the_first_is_logged() -> None:
    rare = FirstInARow()

    def is_logged(at: float, words: str, level: int = logging.WARNING) -> bool:
        record = logging.LogRecord("psycopg.pool", level, "", 0, words, ("pool-1",), None)
        record.created = at
        return rare.filter(record)

    connecting, broken = "error connecting in %r", "discarding broken connection: %s"
    assert is_logged(0, connecting)
    assert not is_logged(1, connecting)
    assert is_logged(1, broken)
    assert not is_logged(50, connecting)
    assert not is_logged(100, connecting)  # the outage goes on
    assert is_logged(100, connecting, logging.ERROR)
    assert is_logged(200, connecting)
