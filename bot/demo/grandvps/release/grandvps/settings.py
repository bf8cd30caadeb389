"""What GrandVPS reads from its directory."""

from pathlib import Path

BASE = Path(__file__).resolve().parents[1]
MAINTENANCE = BASE / "maintenance_mode.txt"
LOG = BASE / "logs" / "app.log"
PID = BASE / "tmp" / "web.pid"
RESTART = BASE / "tmp" / "restart.txt"


def version() -> str:
    """The release that lies in the directory."""
    return (BASE / "VERSION").read_text().strip()


def environment() -> dict[str, str]:
    """The values of .env.production."""
    lines = (BASE / ".env.production").read_text().splitlines()
    pairs = (line.partition("=") for line in lines if "=" in line and not line.startswith("#"))
    return {name.strip(): value.strip() for name, _, value in pairs}
