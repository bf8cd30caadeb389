"""The scalar values of the configuration: durations, time zones, dates, people, addresses."""

import re
from dataclasses import dataclass
from datetime import date, timedelta
from ipaddress import IPv4Network, IPv6Network, ip_network
from typing import Annotated
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError, available_timezones

from pydantic import AfterValidator, BeforeValidator, Field

from bot.config.base import wrong
from bot.config.secret import Secret
from bot.config.words import nearest

_DURATION = re.compile(r"(?:(\d{1,6})d)?(?:(\d{1,6})h)?(?:(\d{1,6})m)?(?:(\d{1,6})s)?", re.ASCII)
_DATE = re.compile(r"\d{4}-\d{2}-\d{2}", re.ASCII)
_ADDRESS = re.compile(
    r"(?:(?P<host>[A-Za-z0-9._-]+)|\[(?P<ipv6>[0-9A-Fa-f:.]+)\]):(?P<port>[0-9]{1,5})"
)
_USER = re.compile(r"[UW][A-Z0-9]{2,}")
_UNESCAPED = re.compile(r"%(?![0-9A-Fa-f]{2})|\s")
_MEMBER = re.compile(r"[UWS][A-Z0-9]{2,}|@[a-z0-9][a-z0-9._-]*")


def parse_duration(text: str) -> timedelta:
    """``90s``, ``15m``, ``4h``, ``7d`` or several in that order of size: ``1h30m``.

    Raises ValueError for anything else.
    """
    match = _DURATION.fullmatch(text)
    if not match or not text:
        raise ValueError("not a duration")
    days, hours, minutes, seconds = (int(part or 0) for part in match.groups())
    return timedelta(days=days, hours=hours, minutes=minutes, seconds=seconds)


def _duration(value: object) -> timedelta:
    if isinstance(value, timedelta):
        return value
    try:
        return parse_duration(value if isinstance(value, str) else "")
    except ValueError:
        raise wrong("a duration such as 90s, 15m, 4h, 7d or 1h30m") from None


def _some(value: timedelta) -> timedelta:
    if not value:
        raise wrong("a duration longer than 0s")
    return value


def _zone(value: object) -> ZoneInfo:
    if isinstance(value, ZoneInfo):
        return value
    if not isinstance(value, str):
        raise wrong("a time zone such as Europe/Berlin or UTC")
    try:
        return ZoneInfo(value)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        # Only now: listing all zones reads a directory tree.
        hint = nearest(value, available_timezones())
        raise wrong(f"a time zone such as Europe/Berlin or UTC{hint}") from None


def _date(value: object) -> date:
    if isinstance(value, date):
        return value
    try:
        if isinstance(value, str) and _DATE.fullmatch(value):
            return date.fromisoformat(value)
    except ValueError:
        pass
    raise wrong("a date such as 2026-12-25")


def _user(value: str) -> str:
    if not _USER.fullmatch(value):
        raise wrong("a Slack user ID such as U0ALICE001")
    return value


def _member(value: str) -> str:
    if not _MEMBER.fullmatch(value):
        raise wrong("a Slack user ID (U…), a user group's ID (S…) or its handle (@ops)")
    return value


def _web_url(value: str) -> str:
    try:
        parts = urlsplit(value)
        sound = parts.scheme in ("http", "https") and parts.hostname and parts.port != 0
    except ValueError:
        sound = False
    if not sound or "@" in value.partition("://")[2].partition("/")[0]:
        raise wrong("a URL such as https://example.com/healthz, without user and password")
    return value


def _regex(value: str) -> str:
    try:
        re.compile(value)
    except re.error as error:
        raise wrong(f"a regular expression ({error})") from None
    return value


def _postgres_url(value: Secret) -> Secret:
    try:
        parts = urlsplit(value.reveal())
        sound = parts.scheme in ("postgresql", "postgres") and parts.port != 0
    except ValueError:
        parts, sound = None, False
    if not parts or not sound:
        raise wrong("a URL such as postgresql://user:password@host:5432/name", secret=True)
    if _UNESCAPED.search(value.reveal()) or parts.netloc.count("@") > 1:
        raise wrong("a URL whose password has %40 for @, %25 for %, %20 for a blank", secret=True)
    return value


Duration = Annotated[timedelta, BeforeValidator(_duration)]
"""A length of time, zero included."""

Period = Annotated[Duration, AfterValidator(_some)]
"""A length of time above zero."""

TimeZone = Annotated[ZoneInfo, BeforeValidator(_zone)]
Day = Annotated[date, BeforeValidator(_date)]
Regex = Annotated[str, AfterValidator(_regex)]
WebUrl = Annotated[str, AfterValidator(_web_url)]
PostgresUrl = Annotated[Secret, AfterValidator(_postgres_url)]
Text = Annotated[str, Field(min_length=1)]
Arguments = Annotated[tuple[str, ...], Field(min_length=1)]
"""A program and its arguments, as one list; no shell ever reads it."""

UserId = Annotated[str, AfterValidator(_user)]
Member = Annotated[str, AfterValidator(_member)]
"""One person or one user group of Slack."""


@dataclass(frozen=True, slots=True)
class Address:
    """Where a server listens."""

    host: str
    port: int

    def __str__(self) -> str:
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"


def _address(value: object) -> Address:
    if isinstance(value, Address):
        return value
    match = _ADDRESS.fullmatch(value) if isinstance(value, str) else None
    if match and int(match["port"]) < 65536:
        return Address(match["host"] or match["ipv6"], int(match["port"]))
    raise wrong("an address such as 127.0.0.1:8080")


def _network(value: object) -> IPv4Network | IPv6Network:
    if isinstance(value, IPv4Network | IPv6Network):
        return value
    try:
        if isinstance(value, str):
            return ip_network(value)
    except ValueError:
        pass
    raise wrong("an address or network such as 192.0.2.7 or 2001:db8::/32")


ListenAddress = Annotated[Address, BeforeValidator(_address)]
Network = Annotated[IPv4Network | IPv6Network, BeforeValidator(_network)]
"""One address, or a network in CIDR notation without bits set beyond it."""
