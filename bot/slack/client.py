"""How Slack's Web API is called: one session, and errors that say what may be done about them.

SlackAway        no answer, or an answer that says nothing of the call; try again later
  NeverSent      the same, and the call certainly did not reach Slack
  NotSlack       something else answered in Slack's place, such as a proxy's page
RateLimited      not done; try again after `retry_after` seconds
SlackRefused     not done, and the same call will not be done later either
"""

from __future__ import annotations

import contextlib
import copy
import os
import urllib.request
from collections.abc import Iterator
from datetime import timedelta
from typing import Any
from urllib.parse import urlsplit

import aiohttp
from slack_sdk.errors import SlackApiError
from slack_sdk.http_retry.builtin_async_handlers import (
    AsyncRateLimitErrorRetryHandler,
    AsyncServerErrorRetryHandler,
)
from slack_sdk.web.async_client import AsyncWebClient

from bot.errors import Failed, Unavailable

# The type by which those who only pass a client on know it.
SlackClient = AsyncWebClient

DEFAULT_API_URL = "https://slack.com/api/"
CALL_LIMIT = timedelta(seconds=15)
LOOPBACK = {"localhost", "127.0.0.1", "::1"}

# Slack's own words for "something broke here", after which nobody knows what was done.
_BROKEN = {"internal_error", "fatal_error", "service_unavailable", "request_timeout"}
_LIMITED = {"ratelimited", "rate_limited"}


class SlackAway(Unavailable):
    """Slack did not answer, or broke while answering: what was asked may have been done."""


class NeverSent(SlackAway):
    """No connection could be made, so what was asked was certainly not done."""


class NotSlack(SlackAway):
    """What answered is not Slack's Web API: a wrong address, a proxy's page, a captive portal."""

    def __init__(self, where: str, what: str) -> None:
        super().__init__(
            f"What answers at {where} is not Slack ({what}).",
            hint="Look at SLACK_API_URL, and at proxies on the way.",
        )


class RateLimited(Unavailable):
    """Slack asks to be left alone for `retry_after` seconds; what was asked was not done."""

    def __init__(self, action: str, retry_after: float) -> None:
        super().__init__(f"Slack limits {action}.", hint=f"Again in {retry_after:.0f} s.")
        self.retry_after = retry_after


class SlackRefused(Failed):
    """Slack understood and said no. `code` is its error code, `details` its own explanations."""

    def __init__(self, action: str, code: str, details: tuple[str, ...] = ()) -> None:
        explained = f" ({'; '.join(details)})" if details else ""
        super().__init__(f"Slack refused {action}: {code}{explained}.")
        self.code = code
        self.details = details


def open_session() -> aiohttp.ClientSession:
    """The session that all calls to Slack share; it must be closed. CALL_LIMIT bounds a call."""
    return aiohttp.ClientSession(
        timeout=aiohttp.ClientTimeout(total=CALL_LIMIT.total_seconds()),
    )


def web_client(session: aiohttp.ClientSession, token: str, api_url: str = "") -> AsyncWebClient:
    """A client for one token, at Slack or at `api_url`.

    It waits out rate limits and repeats calls that a 5xx answered, a few times; see `impatient`.
    It repeats no call whose connection broke, as slack_sdk does by default: Slack may have done
    what it did not get to answer, and a message would stand twice.
    """
    base = api_url or DEFAULT_API_URL
    client = AsyncWebClient(
        token=token,
        base_url=base,
        session=session,
        retry_handlers=[
            AsyncRateLimitErrorRetryHandler(max_retry_count=3),
            AsyncServerErrorRetryHandler(max_retry_count=2),
        ],
    )
    # slack_sdk takes the proxy of the environment for every host and ignores NO_PROXY.
    client.proxy = proxy_for(base)
    return client


def impatient(client: AsyncWebClient) -> AsyncWebClient:
    """The same client without any repetition, for calls whose outcome must be known each time.

    Even a call that a 5xx answered may have been done.
    """
    bare = copy.copy(client)
    bare.retry_handlers = []
    return bare


def proxy_for(url: str) -> str | None:
    """The proxy that the environment names for this URL; None for this machine's own addresses."""
    parts = urlsplit(url)
    host = parts.hostname or ""
    if host in LOOPBACK or urllib.request.proxy_bypass(host):
        return None
    name = f"{parts.scheme}_proxy"
    return os.environ.get(name) or os.environ.get(name.upper()) or None


@contextlib.contextmanager
def slack_errors(action: str) -> Iterator[None]:
    """Gives the errors of slack_sdk and the network in the words of this module.

    `action` is the method's name, or what it was called for; it is shown to people.
    """
    try:
        yield
    except SlackApiError as error:
        raise _from_answer(action, error) from error
    except aiohttp.ClientConnectorCertificateError as error:
        raise NeverSent(
            f"{error.host}:{error.port} shows a certificate that is not trusted here.",
            hint="Name your proxy's certificate authority in SSL_CERT_FILE.",
        ) from error
    except aiohttp.ClientProxyConnectionError as error:
        raise NeverSent(
            f"The proxy {error.host}:{error.port} cannot be reached: {_cause(error)}.",
            hint="Correct HTTPS_PROXY, or name Slack's host in NO_PROXY.",
        ) from error
    except aiohttp.ClientConnectorError as error:
        raise NeverSent(
            f"Slack cannot be reached at {error.host}:{error.port}: {_cause(error)}.",
            hint="Look at this machine's network and SLACK_API_URL.",
        ) from error
    except AttributeError as error:
        # slack_sdk looks for `ok` in an answer of plain text.
        if not isinstance(error.obj, str):
            raise
        raise NotSlack("SLACK_API_URL", "plain text") from error
    except TimeoutError as error:
        raise SlackAway(f"Slack did not answer {action} in time.") from error
    except (aiohttp.ClientError, OSError) as error:
        raise SlackAway(f"The connection to Slack broke during {action}.") from error


def _from_answer(action: str, error: SlackApiError) -> Unavailable | SlackRefused:
    response = error.response
    # slack_sdk hands over aiohttp's own response where the body was not the JSON it announced.
    status: int = getattr(response, "status_code", None) or getattr(response, "status", None) or 0
    body = getattr(response, "data", None)
    body = body if isinstance(body, dict) else {}
    code = str(body.get("error", ""))
    if status == 429 or code in _LIMITED:
        return RateLimited(action, _retry_after(response.headers.get("Retry-After", "")))
    if status < 500 and not code:
        what = response.headers.get("Content-Type", "no content").partition(";")[0]
        return NotSlack(_where(response), f"{what}, status {status}")
    if status >= 500 or code in _BROKEN:
        return SlackAway(f"Slack answered {action} with {code or f'status {status}'}.")
    return SlackRefused(action, code, _details(body))


def _cause(error: aiohttp.ClientConnectorError) -> str:
    """Why there was no connection, without the address that asyncio repeats in its words."""
    number = error.errno or 0
    return os.strerror(number) if number > 0 else error.strerror or str(error.os_error)


def _where(response: Any) -> str:
    """Where an answer came from: scheme, host and port."""
    parts = urlsplit(str(getattr(response, "api_url", "") or getattr(response, "url", "")))
    return f"{parts.scheme}://{parts.netloc}"


def _retry_after(header: str) -> float:
    try:
        return max(0.0, float(header))
    except ValueError:
        return 1.0


def _details(body: dict[str, object]) -> tuple[str, ...]:
    metadata = body.get("response_metadata")
    messages = metadata.get("messages") if isinstance(metadata, dict) else None
    found = messages or body.get("errors") or body.get("needed") or ()
    return tuple(map(str, found)) if isinstance(found, list) else (str(found),) if found else ()
