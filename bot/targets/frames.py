"""The Engine's way to send two outputs over one connection.

Each frame is a byte for the stream (0 standard input, 1 output, 2 errors), three zero bytes, the
length as four bytes with the highest first, and the content (Docker Engine API, "Attach to a
container").
"""

from collections.abc import Iterator

from bot.errors import Unavailable

STDOUT = 1
STDERR = 2

_HEADER = 8


class Frames:
    """Takes a stream apart as it comes, without waiting for frames to be complete."""

    def __init__(self) -> None:
        self._header = bytearray()
        self._left = 0

    def feed(self, data: bytes) -> Iterator[tuple[int, bytes]]:
        """The contents within the next bytes: which stream, and a part of it.

        Raises Unavailable where the bytes are no frames. The iterator must be read to its end.
        """
        position = 0
        while position < len(data):
            if self._left == 0:
                taken = data[position : position + _HEADER - len(self._header)]
                self._header += taken
                position += len(taken)
                if len(self._header) == _HEADER:
                    self._begin()
                continue
            content = data[position : position + self._left]
            position += len(content)
            self._left -= len(content)
            yield self._stream, content

    def _begin(self) -> None:
        self._stream = self._header[0]
        if self._stream > STDERR or any(self._header[1:4]):
            raise Unavailable("The Docker Engine's answer cannot be read: it is not in frames.")
        self._left = int.from_bytes(self._header[4:])
        self._header.clear()
