"""Opsbell's own HTTP server and the webhooks it takes."""

from collections.abc import Mapping

from bot.config.base import Model, Name, TargetName
from bot.config.secret import Secret
from bot.config.values import Address, ListenAddress, Text


class Hook(Model):
    """A generic webhook: which parts of its JSON body make an alert.

    `name`, `summary`, `severity` and `status` are dotted places in the body (``alert.title``,
    ``items.0.state``); a status among `resolved` ends the alert. `token` replaces the server's.
    """

    name: Text
    summary: Text | None = None
    severity: Text | None = None
    status: Text | None = None
    resolved: tuple[Text, ...] = ("resolved", "ok", "closed")
    target: TargetName | None = None
    token: Secret | None = None


class Http(Model):
    """Where the server listens; without a `token` no webhook is taken."""

    listen: ListenAddress = Address("127.0.0.1", 8080)
    token: Secret = Secret("")
    hooks: Mapping[Name, Hook] = {}
