"""Runs a Python program that ends with the demo, also when that is killed.

`python -m bot.demo.tied -m MODULE …` and `python -m bot.demo.tied FILE …` run the program in this
very process. Standard input is a pipe that the demo holds open: when it breaks, the program is
asked to end as by `kill`.
"""

from __future__ import annotations

import os
import runpy
import signal
import sys
import threading


def _end_with_the_demo() -> None:
    while os.read(0, 1024):
        pass
    os.kill(os.getpid(), signal.SIGTERM)


def main() -> None:
    """Becomes the program named by the arguments."""
    threading.Thread(target=_end_with_the_demo, name="tied", daemon=True).start()
    match sys.argv[1:]:
        case ["-m", module, *rest]:
            sys.argv = [module, *rest]
            runpy.run_module(module, run_name="__main__", alter_sys=True)
        case [file, *rest]:
            sys.argv = [file, *rest]
            runpy.run_path(file, run_name="__main__")


if __name__ == "__main__":
    main()
