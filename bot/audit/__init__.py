"""Who did what when: the log of events read, and proven whole."""
