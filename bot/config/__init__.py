"""opsbell.yaml → frozen settings; secrets and their redaction."""

from bot.config.environment import SlackSecrets, read_secret
from bot.config.errors import ConfigurationError, Problem
from bot.config.load import load
from bot.config.redact import Redactor
from bot.config.secret import Secret
from bot.config.settings import Settings

__all__ = [
    "ConfigurationError",
    "Problem",
    "Redactor",
    "Secret",
    "Settings",
    "SlackSecrets",
    "load",
    "read_secret",
]
