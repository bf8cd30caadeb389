"""The Web API: one module per family of methods, each a table of `Method`s."""
