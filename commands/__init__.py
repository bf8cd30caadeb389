"""One file per slash command: parse the text, ask the capability, show the answer."""
