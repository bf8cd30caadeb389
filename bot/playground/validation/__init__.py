"""Block Kit's rules as tables: what a valid message or view is, and what Slack says otherwise."""
