"""Restores, tested on real servers."""
