"""The Engine reached in every way that DOCKER_HOST can say, and what is said where it is not."""

import asyncio
import shutil
import socket
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import psutil
import pytest

from bot.errors import Unavailable
from bot.targets.model import Target
from bot.targets.ssh_relay import ssh_command
from tests.parts.compose_project import ComposeProject
from tests.parts.network import self_signed
from tests.parts.tcp_proxy import TcpProxy
from tests.targets.places import compose_settings, opened

SOON = timedelta(seconds=20)
SOCKET = "/var/run/docker.sock"


@pytest.fixture
async def proxy(tmp_path: Path) -> AsyncIterator[TcpProxy]:
    """The Engine's socket as a TCP port whose connections can be cut."""
    (tmp_path / ".s.PGSQL.1").symlink_to(SOCKET)  # the proxy knows Unix sockets by such names
    async with TcpProxy(str(tmp_path), 1) as tcp:
        yield tcp


@pytest.fixture
async def target(
    grandvps: ComposeProject, proxy: TcpProxy, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[Target]:
    monkeypatch.setenv("DOCKER_HOST", f"tcp://127.0.0.1:{proxy.port}")
    async with opened(compose_settings(grandvps)) as compose:
        yield compose


async def works(target: Target, *, stdin: bool = True) -> None:
    """A process with output, with input and a log: the three kinds of conversation."""
    assert (await target.run(["echo", "hello"], service="web", timeout=SOON)).stdout == "hello\n"
    if stdin:
        done = await target.run(["wc", "-c"], service="web", timeout=SOON, stdin=b"x" * 3_000_000)
        assert done.stdout == "3000000\n"
    ever = datetime(2020, 1, 1, tzinfo=UTC)
    assert [line async for line in target.logs("web", ever)]


async def test_over_tcp(target: Target) -> None:
    await works(target)


async def test_a_cut_connection_is_no_clean_end(
    target: Target, proxy: TcpProxy, grandvps: ComposeProject
) -> None:
    with pytest.raises(Unavailable, match="Docker Engine does not answer"):
        async with target.process(["yes", "cut off"], service="web") as process:
            async for _ in process.chunks():
                proxy.cut()
    listed = await grandvps.exec("web", "sh", "-c", "cat /proc/[0-9]*/cmdline | tr '\\0' ' '")
    assert "yes cut off" not in listed


async def test_a_cut_log_is_no_short_log(
    target: Target, proxy: TcpProxy, grandvps: ComposeProject
) -> None:
    noise = "import sys; sys.stdout.write(('x' * 99 + '\\n') * 200_000)"
    await grandvps.exec("web", "sh", "-c", f'python3 -c "{noise}" >/proc/1/fd/1')
    count = 0
    with pytest.raises(Unavailable):
        async for _ in target.logs("web", datetime(2020, 1, 1, tzinfo=UTC)):
            count += 1
            if count == 1000:
                proxy.cut()
    assert count < 200_000


async def test_an_engine_that_refuses_and_comes_back(target: Target, proxy: TcpProxy) -> None:
    proxy.refuse()
    with pytest.raises(Unavailable, match="Docker Engine does not run") as caught:
        await target.run(["true"], service="web", timeout=SOON)
    assert caught.value.retryable
    proxy.resume()
    await works(target)


async def test_an_engine_that_hangs_is_given_up(target: Target, proxy: TcpProxy) -> None:
    await works(target)
    proxy.hold()
    with pytest.raises(Unavailable, match=r"did not (answer in time|end within)"):
        await target.run(["true"], service="web", timeout=timedelta(seconds=1))
    proxy.resume()
    await works(target)


async def test_an_engine_that_is_not_there(
    grandvps: ComposeProject, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    dead = tmp_path / "dead.sock"
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(dead))
    for address, message in (
        (f"unix://{tmp_path}/none.sock", "Docker Engine does not run"),
        (f"unix://{dead}", "Docker Engine does not run"),
        ("nonsense://x", "Docker at nonsense:// is not supported"),
        ("ssh://x/path", "not an ssh address"),
    ):
        monkeypatch.setenv("DOCKER_HOST", address)
        async with opened(compose_settings(grandvps)) as target:
            with pytest.raises(Unavailable, match=message) as caught:
                await target.run(["true"], service="web", timeout=SOON)
            assert caught.value.hint


async def test_certificates_that_are_missing(
    grandvps: ComposeProject, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DOCKER_HOST", "tcp://127.0.0.1:1")
    monkeypatch.setenv("DOCKER_TLS_VERIFY", "1")
    monkeypatch.setenv("DOCKER_CERT_PATH", str(tmp_path))
    async with opened(compose_settings(grandvps)) as target:
        with pytest.raises(Unavailable, match="cannot be reached as configured") as caught:
            await target.run(["true"], service="web", timeout=SOON)
    assert "DOCKER_CERT_PATH" in caught.value.hint


async def test_over_ssh(
    grandvps: ComposeProject, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The program ssh is stood in for by one that runs what it is told here; what carries the
    connection, `docker system dial-stdio`, is real."""
    ssh = tmp_path / "ssh"
    ssh.write_text(f'#!/bin/sh\nprintf "%s\\n" "$*" >>{tmp_path}/calls\n'
                   'while [ "$1" != -- ]; do shift; done\nshift 2\n'
                   f'unset DOCKER_HOST\nexec "$@" 2>{tmp_path}/errors\n')  # fmt: skip
    ssh.chmod(0o700)
    path = f"{tmp_path}:/usr/local/bin:/usr/bin:/bin"
    monkeypatch.setenv("PATH", path)
    monkeypatch.setenv("DOCKER_HOST", "ssh://deploy@far.example:2222")
    async with opened(compose_settings(grandvps)) as target:
        await works(target)
        async with target.process(["yes"], service="web") as process:
            await anext(process.chunks())
    calls = set((tmp_path / "calls").read_text().splitlines())
    assert calls == {" ".join(ssh_command("ssh://deploy@far.example:2222")[1:])}
    left = [child.cmdline() for child in psutil.Process().children(recursive=True)]
    assert not [command for command in left if "dial-stdio" in command]


def test_an_ssh_address_cannot_become_an_option() -> None:
    command = ssh_command("ssh://-oProxyCommand=evil")
    assert command.index("--") < command.index("-oproxycommand=evil")


async def test_ssh_that_fails_is_named_in_the_log(
    grandvps: ComposeProject,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    ssh = tmp_path / "ssh"
    ssh.write_text("#!/bin/sh\necho 'Permission denied (publickey).' >&2\nexit 255\n")
    ssh.chmod(0o700)
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
    monkeypatch.setenv("DOCKER_HOST", "ssh://far.example")
    async with opened(compose_settings(grandvps)) as target:
        with pytest.raises(Unavailable, match="Docker Engine does not answer"):
            await target.run(["true"], service="web", timeout=SOON)
    assert "Permission denied (publickey)." in caplog.text


async def test_over_tls(
    grandvps: ComposeProject, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tls = self_signed(tmp_path)
    tls.verify_mode = ssl.CERT_REQUIRED
    tls.load_verify_locations(shutil.copy(tmp_path / "cert.pem", tmp_path / "ca.pem"))
    for name in ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"):
        monkeypatch.delenv(name, raising=False)  # the SDK would look there instead
    async with tls_server(tls) as port:
        monkeypatch.setenv("DOCKER_HOST", f"tcp://localhost:{port}")
        monkeypatch.setenv("DOCKER_TLS_VERIFY", "1")
        monkeypatch.setenv("DOCKER_CERT_PATH", str(tmp_path))
        async with opened(compose_settings(grandvps)) as target:
            await works(target, stdin=False)
            with pytest.raises(Unavailable, match="cannot be given input over TLS"):
                await target.run(["cat"], service="web", timeout=SOON, stdin=b"x")


@asynccontextmanager
async def tls_server(tls: ssl.SSLContext) -> AsyncIterator[int]:
    """The Engine's socket behind TLS."""
    serving: set[asyncio.Task[None]] = set()

    async def copy(source: asyncio.StreamReader, to: asyncio.StreamWriter) -> None:
        while piece := await source.read(65536):
            to.write(piece)
            await to.drain()

    async def serve(near: asyncio.StreamReader, answer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        serving.add(task)
        far, request = await asyncio.open_unix_connection(SOCKET)
        both_ways = {asyncio.create_task(c) for c in (copy(near, request), copy(far, answer))}
        try:
            await asyncio.wait(both_ways, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for one_way in both_ways:
                one_way.cancel()
            await asyncio.gather(*both_ways, return_exceptions=True)
            for writer in (request, answer):
                writer.transport.abort()

    server = await asyncio.start_server(serve, "localhost", 0, ssl=tls)
    async with server:
        yield server.sockets[0].getsockname()[1]
        for task in serving:
            task.cancel()
        await asyncio.gather(*serving, return_exceptions=True)
