"""Configured procedures, and the kinds of steps that they and deploys are made of."""
