"""Restore drills: a backup is worth what comes back of it, so it is tried."""
