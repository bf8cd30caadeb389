"""The edge to Slack. Only here are slack_bolt and slack_sdk known."""
