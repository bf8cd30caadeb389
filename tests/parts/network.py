"""Addresses of this machine for tests: ports that are free, certificates that nobody signed."""

import socket
import ssl
import subprocess
from contextlib import ExitStack
from pathlib import Path

from tests.parts.require import need


def free_port(count: int = 1) -> int:
    """Return a port of 127.0.0.1 on which nobody listens, nor on the `count` - 1 above it."""
    while True:
        with ExitStack() as bound:
            first = bound.enter_context(socket.create_server(("127.0.0.1", 0)))
            port: int = first.getsockname()[1]
            try:
                for above in range(port + 1, port + count):
                    bound.enter_context(socket.create_server(("127.0.0.1", above)))
            except OSError:
                continue
            return port


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
