"""Takes the secrets of all targets out of texts, also those that change while Opsbell runs."""

import threading
from collections.abc import Iterable, Mapping
from pathlib import Path

from bot.config import targets as configured
from bot.config.redact import Redactor
from bot.errors import Unavailable
from bot.targets.secrets import environment_files, file_secrets

_Version = tuple[int, int, int]


class LiveRedactor:
    """Hides the `known` secrets and those of all targets' environment files.

    A file is read again whenever it has changed. What was secret once stays hidden: logs still
    hold it. A file that cannot be read takes nothing away from what is known of it, or of others.
    Any thread may use it.
    """

    def __init__(self, targets: Mapping[str, configured.Target], known: Iterable[str]) -> None:
        self._files = {name: environment_files(each) for name, each in targets.items()}
        self._known = set(known)
        self._redactor = Redactor(self._known)
        self._versions: dict[Path, _Version] = {}
        self._troubles: dict[Path, Unavailable] = {}
        self._lock = threading.Lock()

    def redact(self, text: str, *, whose: str = "") -> str:
        """`text` without its secrets. Give whole lines: half a secret is not recognised.

        Raises Unavailable where what the target `whose` keeps secret cannot be known; without a
        target it never raises.
        """
        with self._lock:
            self._learn()
            for path in self._files.get(whose, ()):
                if path in self._troubles:
                    raise self._troubles[path].with_traceback(None)
            redactor = self._redactor
        return redactor.redact(text)

    def _learn(self) -> None:
        before = len(self._known)
        for path in set().union(*self._files.values()):
            self._troubles.pop(path, None)
            try:
                self._read(path)
            except Unavailable as error:
                self._troubles[path] = error
        if len(self._known) > before:
            self._redactor = Redactor(self._known)

    def _read(self, path: Path) -> None:
        try:
            found = path.stat()
        except OSError:
            version = None  # gone, or file_secrets says what is wrong
        else:
            version = (found.st_mtime_ns, found.st_size, found.st_ino)
        if version is None or self._versions.get(path) != version:
            self._known |= file_secrets(path)
            if version:
                self._versions[path] = version
