"""What a process wrote, kept in bounded memory."""

from bot.targets.text import text_of
from bot.words import size

ERROR_TAIL = 8 * 1024
"""How much of standard error a process keeps for its reader."""


class Capped:
    """The first and the last half of up to `limit` bytes; what lies between is only counted."""

    def __init__(self, limit: int) -> None:
        self._half = limit // 2
        self._head = bytearray()
        self._tail = bytearray()
        self._left_out = 0

    def add(self, data: bytes) -> None:
        """Takes the next piece."""
        room = self._half - len(self._head)
        if room > 0:
            self._head += data[:room]
            data = data[room:]
        self._tail += data
        # Twice the half before it is cut: each byte is moved once on average.
        if len(self._tail) > 2 * self._half:
            self._cut()

    def text(self) -> str:
        """All of it; where something was left out, a line in its place says how much."""
        self._cut()
        note = f"\n… {size(self._left_out)} left out …\n" if self._left_out else ""
        return text_of(self._head) + note + text_of(self._tail) if note else text_of(self._all())

    def tail(self, limit: int) -> str:
        """The last `limit` bytes of what is kept."""
        return text_of(self._all()[-limit:])

    def _cut(self) -> None:
        surplus = max(0, len(self._tail) - self._half)
        del self._tail[:surplus]
        self._left_out += surplus

    def _all(self) -> bytes:
        return bytes(self._head if not self._left_out else b"") + bytes(self._tail)
