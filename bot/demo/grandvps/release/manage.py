"""GrandVPS's commands: see README.md."""

import runpy

runpy.run_module("grandvps.commands", run_name="__main__")
