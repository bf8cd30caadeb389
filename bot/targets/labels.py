"""What Compose itself puts on its containers, and finds them by."""

PREFIX = "com.docker.compose."
PROJECT = "com.docker.compose.project"
SERVICE = "com.docker.compose.service"
NUMBER = "com.docker.compose.container-number"
ONE_OFF = "com.docker.compose.oneoff"
DIRECTORY = "com.docker.compose.project.working_dir"
FILES = "com.docker.compose.project.config_files"
