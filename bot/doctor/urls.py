"""URLs of a target: whether they answer, and why one that Opsbell asks may not be what people do.

In a container, 127.0.0.1 is the container itself: what is published there on the host is reached
by the service's own name instead.
"""

from __future__ import annotations

import asyncio
import ipaddress
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from urllib.parse import urljoin, urlsplit

import httpx

from bot.checks.http import cause_of
from bot.doctor.model import Finding, well, wrong
from bot.targets.inspection import ServiceContainer
from bot.targets.own_container import own_container
from bot.words import duration

_LIMIT = 10.0


@dataclass(frozen=True)
class UrlLook:
    """One URL that the configuration names at `place`; `services` are the target's containers."""

    area: str
    subject: str
    place: str
    url: str
    services: Sequence[ServiceContainer] = ()

    async def finding(self, is_good: Callable[[int], bool], wanted: str) -> Finding:
        """Whether it answers with a good status; `wanted` says which those are."""
        started = time.monotonic()
        try:
            async with asyncio.timeout(_LIMIT), httpx.AsyncClient(timeout=None) as client:  # noqa: S113 - the limit is around it
                response = await client.get(self.url, headers={"User-Agent": "opsbell"})
        except TimeoutError:
            says = f"{self.url} did not answer within {duration(_LIMIT)}."
            return wrong(self.area, self.subject, says, self._correct())
        except httpx.TransportError as error:
            says = f"{self.url} does not answer: {cause_of(error)}."
            return wrong(self.area, self.subject, says, self._todo(error))
        if is_good(response.status_code):
            took = duration(time.monotonic() - started)
            says = f"{self.url} answered {response.status_code} in {took}."
            return well(self.area, self.subject, says)
        says = f"{self.url} answered {response.status_code} instead of {wanted}."
        if response.is_redirect:
            there = urljoin(self.url, response.headers.get("Location", ""))
            return wrong(
                self.area, self.subject, says, f"It leads to {there}: set {self.place} to that."
            )
        return wrong(self.area, self.subject, says, self._correct())

    def _correct(self) -> str:
        return f"Correct {self.place}, or what answers there."

    def _todo(self, error: httpx.TransportError) -> str:
        if own_container() and self._is_local():
            return self._from_a_container()
        if "certificate" in cause_of(error):
            return self._certificate(cause_of(error))
        if isinstance(error, httpx.ConnectError):
            return f"Start what answers there, or correct {self.place}."
        return self._correct()

    def _certificate(self, cause: str) -> str:
        """By OpenSSL's words, which name one of three things that can be wrong."""
        if "expired" in cause:
            return "Renew the certificate."
        if "mismatch" in cause or "doesn't match" in cause:
            return f"Write in {self.place} a name that the certificate is made for."
        return "Set SSL_CERT_FILE to a file with the authorities to trust, this one's among them."

    def _from_a_container(self) -> str:
        parts = urlsplit(self.url)
        local = f"In its container, {parts.hostname} is Opsbell itself."
        port = parts.port or (443 if parts.scheme == "https" else 80)
        for each in self.services:
            if port in each.ports and each.networks:
                url = parts._replace(netloc=f"{each.service}:{each.ports[port]}").geturl()
                return f"{local} Set {self.place} to {url} and join the network {each.networks[0]}."
        return f"{local} Set {self.place} to a name that its container reaches."

    def _is_local(self) -> bool:
        host = urlsplit(self.url).hostname or ""
        try:
            return ipaddress.ip_address(host).is_loopback
        except ValueError:
            return host == "localhost"
