"""One file per thing the clock does."""
