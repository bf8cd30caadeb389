"""The Events API's side that decides what the app hears of, and wraps it."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterable

from bot.playground.errors import JSON
from bot.playground.workspace import Channel, Workspace

# Subscription name → the scope without which Slack does not send it (None: no scope needed).
SUBSCRIPTIONS: dict[str, str | None] = {
    "message.channels": "channels:history",
    "message.groups": "groups:history",
    "message.im": "im:history",
    "app_mention": "app_mentions:read",
    "reaction_added": "reactions:read",
    "reaction_removed": "reactions:read",
    "member_joined_channel": "channels:read",
    "app_home_opened": None,
}
_MESSAGE_KINDS = {"channel": "message.channels", "group": "message.groups", "im": "message.im"}
HOURLY_LIMIT = 30_000


class Events:
    """Turns what happened into `event_callback` payloads for the subscriptions of the app."""

    def __init__(
        self,
        workspace: Workspace,
        subscriptions: Iterable[str] | None,
        clock: Callable[[], float],
        deliver: Callable[[JSON], None],
    ) -> None:
        names = set(SUBSCRIPTIONS if subscriptions is None else subscriptions)
        if unknown := names - set(SUBSCRIPTIONS):
            raise ValueError(f"unknown events: {', '.join(sorted(unknown))}")
        self._workspace = workspace
        self._names = names
        self._clock = clock
        self._deliver = deliver
        self._hour = self._sent = 0
        self._limited_minute = 0

    def publish(self, channel: Channel | None, event: JSON) -> None:
        """Send the event if the app subscribed to it, may see it, and is in the channel."""
        if not self._is_heard(channel, event):
            return
        now = int(self._clock())
        if now // 3600 != self._hour:
            self._hour, self._sent = now // 3600, 0
        self._sent += 1
        if self._sent > HOURLY_LIMIT:
            self._tell_limited(now // 60)
            return
        self._deliver(self._wrapped(event, now))

    def _is_heard(self, channel: Channel | None, event: JSON) -> bool:
        app = self._workspace.app
        if channel is not None and app.user_id not in channel.members:
            return False
        name = event["type"]
        if name == "message":
            name = _MESSAGE_KINDS[event["channel_type"]]
        if name not in self._names:
            return False
        scope = SUBSCRIPTIONS[name]
        return scope is None or scope in app.scopes

    def _wrapped(self, event: JSON, now: int) -> JSON:
        workspace = self._workspace
        authorization = {
            "enterprise_id": None,
            "team_id": workspace.team_id,
            "user_id": workspace.app.user_id,
            "is_bot": True,
            "is_enterprise_install": False,
        }
        return {
            "token": workspace.app.verification_token,
            "team_id": workspace.team_id,
            "context_team_id": workspace.team_id,
            "context_enterprise_id": None,
            "api_app_id": workspace.app.id,
            "event": event,
            "type": "event_callback",
            "event_id": f"Ev{secrets.token_hex(6).upper()}",
            "event_time": now,
            "authorizations": [authorization],
            "is_ext_shared_channel": False,
            "event_context": secrets.token_urlsafe(16),
        }

    def _tell_limited(self, minute: int) -> None:
        """Once a minute, say that events are being dropped instead of sending them."""
        if minute == self._limited_minute:
            return
        self._limited_minute = minute
        self._deliver(
            {
                "token": self._workspace.app.verification_token,
                "type": "app_rate_limited",
                "team_id": self._workspace.team_id,
                "minute_rate_limited": minute * 60,
                "api_app_id": self._workspace.app.id,
            }
        )
