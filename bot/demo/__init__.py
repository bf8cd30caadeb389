"""The demo: Opsbell, the local Slack in a browser, and a sample GrandVPS to run and to break."""
