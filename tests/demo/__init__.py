"""Tests of the demo, which runs for real: its databases, its children and its page."""
