"""Checklists: recurring maintenance, posted with its evidence and ticked off by the team."""
