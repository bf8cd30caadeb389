"""Addresses of this machine for tests: ports that are free, certificates that nobody signed."""

import itertools
import os
import socket
import ssl
import subprocess
from contextlib import ExitStack
from pathlib import Path

from tests.parts.require import need

# Below the ports that the kernel gives by itself to whoever asks for any (ip(7)), and a stretch for
# each process of the tests: what is chosen here and bound later stays free until then.
_PORTS = itertools.count(10_000 + os.getpid() * 101 % 20_000)


def free_port(count: int = 1) -> int:
    """Return a port of 127.0.0.1 on which nobody listens, nor on the `count` - 1 above it."""
    while True:
        ports = list(itertools.islice(_PORTS, count))
        with ExitStack() as bound:
            try:
                for port in ports:
                    bound.enter_context(socket.create_server(("127.0.0.1", port)))
            except OSError:
                continue
            return ports[0]


def self_signed(directory: Path) -> ssl.SSLContext:
    """Return TLS for a server that is localhost or 127.0.0.1, by a certificate of its own.

    It lies in the directory as `cert.pem`, its key as `key.pem`.
    """
    need("openssl")
    key, certificate = directory / "key.pem", directory / "cert.pem"
    names = ("-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1")
    request = ("openssl", "req", "-x509", "-nodes", "-days", "1", "-subj", "/CN=localhost", *names)
    curve = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1")
    made = ("-keyout", str(key), "-out", str(certificate))
    subprocess.run((*request, *curve, *made), capture_output=True, check=True)
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(certificate, key)
    return context
