"""Tests of backups: real dumps, real archives, restored by the plain tools."""
