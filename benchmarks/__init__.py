"""How fast Opsbell is beside a bare Bolt app. Run as `python -m benchmarks.ack`; README.md."""
