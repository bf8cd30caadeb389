"""Backups: sets of files on disk that plain tools can restore."""
