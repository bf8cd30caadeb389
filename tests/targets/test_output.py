"""Bounded output, the mark at its end, and the Engine's frames: for any way the pieces come."""

import pytest

from bot.errors import Unavailable
from bot.targets.frames import STDERR, STDOUT, Frames
from bot.targets.marked_output import MarkedOutput
from bot.targets.output import Capped
from bot.targets.text import storable, visible

MARK = b"\0" + b"0123456789abcdef" * 2


@pytest.mark.parametrize("size", [0, 1, 9, 10, 11, 15, 29, 30, 500])
def test_the_first_and_the_last_are_kept(size: int) -> None:
    data = bytes(65 + number % 26 for number in range(size))
    for size_of_piece in range(1, 20):
        kept = Capped(10)
        for piece in split(data, size_of_piece):
            kept.add(piece)
        if size <= 10:
            assert kept.text() == data.decode()
        else:
            left_out = f"\n… {size - 10} B left out …\n"
            assert kept.text() == data[:5].decode() + left_out + data[-5:].decode()
        assert kept.tail(4) == data[-4:].decode()


def test_a_character_of_several_bytes_is_whole_also_between_the_halves() -> None:
    kept = Capped(10)
    kept.add("aaaaü".encode())
    assert kept.text() == "aaaaü"


def test_what_no_database_takes_is_replaced() -> None:
    kept = Capped(100)
    kept.add("ü\0ü".encode() + b"\xff\xed\xa0\x80")
    assert kept.text() == kept.tail(100) == "ü\ufffdü" + "\ufffd" * 4
    assert storable("a\0b\ud800c") == "a\ufffdb?c"


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"\0",
        b"text\n",
        b"\0" * 40,
        MARK[:-1],
        MARK[:5] + MARK[:32],
        MARK[1:],
        b"\0" + MARK[:9],
    ],
)
def test_the_mark_is_taken_off_and_nothing_else(content: bytes) -> None:
    for size_of_piece in range(1, 50):
        output = MarkedOutput(MARK)
        given = b""
        for piece in split(content + MARK, size_of_piece):
            output.add(piece)
            given += output.take()
        assert output.complete
        assert given == content


def test_without_the_mark_output_is_not_complete() -> None:
    output = MarkedOutput(MARK)
    output.add(b"half" + MARK[:-1])
    assert output.take() == b"half"
    assert not output.complete


def test_text_is_never_held_back() -> None:
    output = MarkedOutput(MARK)
    output.add(b"00000003-0000001B-1\n")
    assert output.take() == b"00000003-0000001B-1\n"


def test_what_comes_after_the_mark_is_dropped() -> None:
    output = MarkedOutput(MARK)
    output.add(b"done" + MARK + b"noise")
    output.add(b"more noise")
    assert output.take() == b"done"
    assert output.take() == b""


def test_frames_come_apart_however_they_arrive() -> None:
    contents = [(STDOUT, b"a" * 700), (STDERR, b"b"), (STDOUT, b""), (STDERR, b"c" * 300)]
    sent = b"".join(
        bytes([stream, 0, 0, 0]) + len(content).to_bytes(4) + content
        for stream, content in contents
    )
    for size_of_piece in range(1, 50):
        frames = Frames()
        got = {STDOUT: b"", STDERR: b""}
        for piece in split(sent, size_of_piece):
            for stream, content in frames.feed(piece):
                got[stream] += content
        assert got == {STDOUT: b"a" * 700, STDERR: b"b" + b"c" * 300}


def test_what_is_not_in_frames_is_an_error() -> None:
    with pytest.raises(Unavailable, match="not in frames"):
        list(Frames().feed(b"HTTP/1.1 500 Internal Server Error"))


def split(data: bytes, size: int) -> list[bytes]:
    """The data in pieces of `size` bytes."""
    return [data[start : start + size] for start in range(0, len(data), size)]


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("a\u202egnp.exe", "a\\u202egnp.exe"),
        ("gr\u200ban\u00add\u2060v\u200cps", "gr\\u200ban\\u00add\\u2060v\\u200cps"),
        ("a\U000e0041b", "a\\U000e0041b"),
        ("\U0001f469\u200d\U0001f692 \u0645\tx\n", "\U0001f469\u200d\U0001f692 \u0645\tx\n"),
        ("\x1b[31mred\x1b[0m\r\n", "red\n"),
    ],
)
def test_what_nobody_sees_is_written_out(text: str, shown: str) -> None:
    assert visible(text) == shown
