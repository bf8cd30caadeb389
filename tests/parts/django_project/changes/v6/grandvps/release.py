NAME = "v6"
