"""Whether a URL answers as it should, and how fast.

Where nothing answers, or with a certificate that is not valid, the finding is critical: that is
what people who use the site meet too. Redirects are not followed: what is expected may be one.
"""

import asyncio
import ssl
import time

import httpx

from bot.checks.finding import Finding
from bot.checks.model import State
from bot.checks.thresholds import judge, reached
from bot.config.checks import HttpCheck
from bot.words import duration

_READ_AT_MOST = 1024 * 1024


async def look_at_url(check: HttpCheck) -> Finding:
    """One GET. Reads at most 1 MiB of the answer."""
    started = time.monotonic()
    try:
        # An answer that comes later is critical, whatever it will be.
        async with asyncio.timeout(check.crit.total_seconds() if check.crit else None):
            status, body = await _get(check)
    except TimeoutError:
        took = time.monotonic() - started
        return _judged(check, took, f"no answer from {check.url} in {duration(took)}")
    except httpx.TransportError as error:
        return Finding(State.CRITICAL, f"{check.url} does not answer: {cause_of(error)}")
    took = time.monotonic() - started
    if status != check.expect:
        return Finding(State.CRITICAL, f"{check.url} answered {status} instead of {check.expect}")
    if check.contains and check.contains not in body:
        return Finding(State.CRITICAL, f"{check.url} answered {status}, without “{check.contains}”")
    return _judged(check, took, f"{check.url} answered {status} in {duration(took)}")


def _judged(check: HttpCheck, took: float, summary: str) -> Finding:
    warn = check.warn.total_seconds() if check.warn else None
    crit = check.crit.total_seconds() if check.crit else None
    limit = reached(took, warn, crit)
    note = f" (limit {duration(limit)})" if limit is not None else ""
    return Finding(judge(took, warn, crit), summary + note, value=round(took, 3), unit="s")


async def _get(check: HttpCheck) -> tuple[int, str]:
    # The reading's own time limit ends it; httpx's would be further ones for its parts.
    async with (
        httpx.AsyncClient(timeout=None) as client,  # noqa: S113
        client.stream("GET", check.url, headers={"User-Agent": "opsbell"}) as response,
    ):
        body = b""
        async for piece in response.aiter_bytes():
            body += piece
            if len(body) >= _READ_AT_MOST:
                break
        return response.status_code, body.decode(response.encoding or "utf-8", errors="replace")


def cause_of(error: httpx.TransportError) -> str:
    """The cause in one line; the innermost error knows it best."""
    cause: BaseException = error
    while inner := cause.__cause__ or cause.__context__:
        cause = inner
    match cause:
        case ssl.SSLCertVerificationError():
            return f"its certificate is not valid ({cause.verify_message})"
        case ssl.SSLError():
            return f"no TLS connection ({cause.reason or 'it broke off'})"
        case ConnectionRefusedError():
            return "connection refused"
        case OSError(strerror=text) if text:
            return text
    return str(error) or type(error).__name__
