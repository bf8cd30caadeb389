NAME = "v7"
