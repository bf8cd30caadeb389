"""Restores: a set comes back beside the live data, proves itself, and takes its place."""
