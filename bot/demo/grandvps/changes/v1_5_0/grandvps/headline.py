"""What GrandVPS has to offer."""

HEADLINE = "Virtual servers by the minute, and critical tickets answered within the hour."
