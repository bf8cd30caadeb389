"""Output that is complete only where a mark stands at its end."""


class MarkedOutput:
    """Takes pieces of output and gives them on without the mark.

    `mark` begins with a byte that it does not hold again. What follows the mark is dropped: the
    process has ended, so it can only be from something that it left in the background.
    """

    def __init__(self, mark: bytes) -> None:
        self._mark = mark
        self._pending = b""
        self.complete = False

    def add(self, piece: bytes) -> None:
        """Takes the next piece."""
        if self.complete:
            return
        pending = self._pending + piece
        place = pending.find(self._mark)
        if place >= 0:
            self.complete = True
            pending = pending[:place]
        self._pending = pending

    def take(self) -> bytes:
        """What is there, but for an end that may be the beginning of the mark."""
        keep = 0 if self.complete else self._possible_mark()
        cut = len(self._pending) - keep
        piece, self._pending = self._pending[:cut], self._pending[cut:]
        return piece

    def _possible_mark(self) -> int:
        start = self._pending.rfind(self._mark[:1], -len(self._mark) + 1)
        if start >= 0 and self._mark.startswith(self._pending[start:]):
            return len(self._pending) - start
        return 0
