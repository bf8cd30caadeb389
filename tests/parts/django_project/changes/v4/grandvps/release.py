NAME = "v4"
