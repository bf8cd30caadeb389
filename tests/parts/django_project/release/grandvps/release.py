NAME = "v1"
