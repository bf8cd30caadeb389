"""HTTP mode: payloads as signed requests to the app's request URL."""

from __future__ import annotations

import hashlib
import hmac
import json
import secrets
import time
from typing import Any
from urllib.parse import urlencode

import aiohttp

from bot.playground.delivery import Answer
from bot.playground.errors import JSON
from bot.playground.workspace import App

MAX_REDIRECTS = 2
_FORM = "application/x-www-form-urlencoded"


def signature(secret: str, timestamp: str, body: bytes) -> str:
    """Slack's v0 signature of a request body."""
    base = b"v0:" + timestamp.encode() + b":" + body
    return "v0=" + hmac.new(secret.encode(), base, hashlib.sha256).hexdigest()


class HttpDelivery:
    """The app's request URL as a transport for payloads; nothing is sent while `is_away`."""

    def __init__(self, app: App, url: str, ack_timeout: float) -> None:
        self.is_away = False
        self._app = app
        self._url = url
        self._timeout = aiohttp.ClientTimeout(total=ack_timeout)
        self._session: aiohttp.ClientSession | None = None

    async def send(self, kind: str, payload: JSON, attempt: int, reason: str) -> Answer:
        """Deliver once; events as JSON, commands as form fields, interactions as `payload`."""
        if self.is_away:
            return Answer(acked=False, error=_error(kind, "unknown_error"))
        headers = {}
        if kind == "events_api":
            body, headers["Content-Type"] = json.dumps(payload).encode(), "application/json"
            if attempt:
                headers |= {"X-Slack-Retry-Num": str(attempt), "X-Slack-Retry-Reason": reason}
        else:
            fields = payload if kind == "slash_commands" else {"payload": json.dumps(payload)}
            body, headers["Content-Type"] = urlencode(fields).encode(), _FORM
        try:
            return await self._post(kind, body, headers)
        except TimeoutError:
            return Answer(acked=False, error=_error(kind, "http_timeout"))
        except aiohttp.TooManyRedirects:
            return Answer(acked=False, error=_error(kind, "too_many_redirects"))
        except aiohttp.ClientSSLError:
            return Answer(acked=False, error=_error(kind, "ssl_error"))
        except aiohttp.ClientConnectionError:
            return Answer(acked=False, error=_error(kind, "connection_failed"))
        except aiohttp.ClientError:
            return Answer(acked=False, error=_error(kind, "unknown_error"))

    async def verify_url(self) -> bool:
        """Do the url_verification handshake; whether the app returned the challenge."""
        challenge = secrets.token_hex(16)
        hello = {"type": "url_verification", "challenge": challenge}
        answer = await self.send(
            "events_api", {**hello, "token": self._app.verification_token}, 0, ""
        )
        body = answer.body
        return answer.acked and challenge in (
            body,
            isinstance(body, dict) and body.get("challenge"),
        )

    async def check_ssl(self) -> bool:
        """Send the unsigned ssl_check form; whether the app answered 200."""
        fields = {"ssl_check": "1", "token": self._app.verification_token}
        async with self._client().post(self._url, data=fields, timeout=self._timeout) as response:
            return response.status == 200

    async def close(self) -> None:
        """Close the connections to the app."""
        if self._session is not None:
            await self._session.close()

    async def _post(self, kind: str, body: bytes, headers: dict[str, str]) -> Answer:
        timestamp = str(int(time.time()))
        signed = {
            **headers,
            "User-Agent": "Slackbot 1.0",
            "X-Slack-Request-Timestamp": timestamp,
            "X-Slack-Signature": signature(self._app.signing_secret, timestamp, body),
        }
        request = self._client().post(
            self._url,
            data=body,
            headers=signed,
            timeout=self._timeout,
            max_redirects=MAX_REDIRECTS,
        )
        async with request as response:
            text = await response.text()
            if 200 <= response.status < 300:
                return Answer(acked=True, body=_parsed(text, response.content_type))
            stop = response.headers.get("X-Slack-No-Retry") == "1"
            return Answer(acked=False, error=_error(kind, "http_error"), no_retry=stop)

    def _client(self) -> aiohttp.ClientSession:
        if self._session is None:
            self._session = aiohttp.ClientSession()
        return self._session


def _parsed(text: str, content_type: str) -> Any:
    if content_type != "application/json":
        return text
    try:
        return json.loads(text) if text else None
    except ValueError:
        return text


def _error(kind: str, reason: str) -> str:
    """Why it failed: for an event the retry reason, for a person what Slack shows them."""
    if kind == "events_api":
        return reason
    return "operation_timeout" if reason == "http_timeout" else "dispatch_failed"
