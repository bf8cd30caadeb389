"""Opsbell as a program, started by others than an almighty root: argv to begin a command with."""

import sys

OPSBELL = (sys.executable, "-m", "bot")
"""Opsbell with this interpreter, as whoever runs the tests."""

POWERLESS = ("setpriv", "--bounding-set=-all", "--inh-caps=-all", *OPSBELL)
"""As root without root's rights over files."""

NOBODY = 65534
"""The user and the group nobody."""

# The right to look everywhere stays, since the interpreter may lie in root's home; the rights that
# count here, to write and to open what access(2) denies, go.
AS_NOBODY = (
    *("setpriv", f"--reuid={NOBODY}", f"--regid={NOBODY}", "--clear-groups"),
    *("--inh-caps=-all,+dac_read_search", "--ambient-caps=-all,+dac_read_search"),
    *OPSBELL,
)
"""As the user nobody."""
