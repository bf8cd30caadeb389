"""`python -m bot` is `opsbell`."""

from bot.cli import main

main()
