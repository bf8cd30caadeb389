"""Maintenance mode: the file that closes an application, when it is there, and for how long."""
