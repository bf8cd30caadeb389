"""How Opsbell meets its Slack workspace."""

from typing import Annotated, Literal

from pydantic import Field

from bot.config.base import Model
from bot.config.values import Text


class Channels(Model):
    """The channels that Opsbell speaks in, as names without # or as IDs."""

    ops: Text = "ops"
    alerts: Text = "alerts"
    incidents: Text = "incidents"
    support: Text = "support"


class Slack(Model):
    """The connection; its secrets come from the environment (`bot.config.environment`)."""

    mode: Literal["socket", "http"] = "socket"
    command_prefix: Annotated[str, Field(pattern=r"^[a-z0-9_-]{0,16}$")] = ""
    channels: Channels = Channels()

    def channel(self, name: str) -> str:
        """The channel that `name` stands for: one of `channels`' keys, else `name` itself."""
        return str(getattr(self.channels, name, name)) if name in Channels.model_fields else name
