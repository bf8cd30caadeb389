"""Where the programs of the crash test come from: a process that has loaded Opsbell, and forks.

Loading takes most of a start's time, and hundreds of starts follow. A line of JSON on standard
input orders one program (see `Order`); its process ID is the answer. The fork runs the entry
point of the `opsbell` command as it is; all it may have beside is the watch of `hooks`.
"""

import ctypes
import gc
import json
import os
import signal
import sys
import traceback
from dataclasses import asdict, dataclass
from datetime import timedelta
from pathlib import Path

# Loaded for the programs to come; the command loads the first only when it runs.
import bot.app
import bot.cli
from bot.store.inbox import Inbox
from tests.crash import hooks
from tests.crash.calls import Calls

_PR_SET_PDEATHSIG = 1


@dataclass(frozen=True)
class Order:
    """One program to start: `journal` "" leaves it unwatched, `doom` is the moment to die at."""

    arguments: tuple[str, ...]
    directory: str
    environment: dict[str, str]
    output: str
    journal: str = ""
    doom: str = ""

    def as_line(self) -> str:
        """As it goes through the pipe."""
        return f"{json.dumps(asdict(self))}\n"


def main() -> None:
    """Forks until standard input ends."""
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    # So many run at once that a commit may take longer than Opsbell waits for it; it then refuses
    # what was asked, which is right, but no trial of a kill.
    defaults = Inbox.__init__.__kwdefaults__
    assert defaults
    defaults["limit"] = timedelta(seconds=60)
    gc.freeze()
    for line in sys.stdin:
        order = Order(**json.loads(line))
        pid = os.fork()
        if pid == 0:
            _become(order)
        sys.stdout.write(f"{pid}\n")
        sys.stdout.flush()


def _become(order: Order) -> None:
    """Never returns."""
    status = 1
    try:
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
        os.setsid()
        _redirect(order.output)
        os.chdir(order.directory)
        os.environ.update(order.environment)
        sys.argv = ["opsbell", *order.arguments]
        if order.journal:
            calls = Calls(Path(order.journal), order.doom)
            hooks.install(calls)
            signal.signal(signal.SIGUSR1, calls.arm)
        bot.cli.main()
    except SystemExit as leaving:
        status = int(leaving.code or 0)
    except BaseException:
        traceback.print_exc()
        raise
    finally:
        sys.stderr.flush()
        os._exit(status)


def _redirect(output: str) -> None:
    nothing = os.open(os.devnull, os.O_RDONLY)
    into = os.open(output, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    for descriptor, number in ((nothing, 0), (into, 1), (into, 2)):
        os.dup2(descriptor, number)
    os.close(nothing)
    os.close(into)


if __name__ == "__main__":
    main()
