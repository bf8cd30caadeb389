"""Getting started: the Slack app manifest, and a configuration for a project that is there."""
