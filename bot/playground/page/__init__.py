"""The local Slack as people see it: a chat workspace in the browser."""
