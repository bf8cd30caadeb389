"""Checks look at the world and change nothing; each look is a reading."""
