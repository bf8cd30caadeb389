NAME = "v5"
