"""The interactive elements of blocks, each drawn as the control that HTML has for it."""
