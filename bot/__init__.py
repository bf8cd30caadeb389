"""Opsbell: the operations of a hosted web application, run from Slack."""
