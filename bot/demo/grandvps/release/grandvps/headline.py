"""What GrandVPS has to offer."""

HEADLINE = "Virtual servers by the hour, in Frankfurt, Helsinki and Lisbon."
