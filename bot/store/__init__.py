"""Opsbell's own state: PostgreSQL, its migrations, the log of events and the durable queue."""
