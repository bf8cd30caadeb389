"""What GrandVPS has to offer."""

HEADLINE = "Virtual servers by the minute, in Frankfurt, Helsinki and Lisbon."
