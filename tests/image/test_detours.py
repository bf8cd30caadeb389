"""Docker without its socket in Opsbell's container: through HAProxy, and over ssh."""

import json
import shlex

import pytest
import pytest_asyncio

from tests.image.conftest import belongs_to_user
from tests.image.installation import Installation, until_answered
from tests.parts.compose_project import (
    CommandFailedError,
    ComposeProject,
    run,
)

pytestmark = [
    pytest.mark.asyncio(loop_scope="module"),
    pytest.mark.needs("docker", "compose", "postgres-image", "web-image", "detour-image", "root"),
    # The image is built first where it is not cached.
    pytest.mark.timeout(600),
]

ALL_BACKED_UP = {"database", "media", "logs", "config"}


@pytest.fixture(scope="module")
def proxied(prepared: Installation) -> Installation:
    return prepared.composed(
        "docs/compose.socket-proxy.yaml", OPSBELL_PROXY_IMAGE="opsbell-test/detour:1"
    )


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def remote(prepared: Installation) -> Installation:
    """With a key of Opsbell's own, and the other machine running."""
    keys = prepared.directory / "secrets/ssh"
    keys.mkdir(mode=0o700)
    inside = ("docker", "run", "--rm", "--entrypoint", "ssh-keygen", "--user", "0:0")
    make = ("-q", "-t", "ed25519", "-N", "", "-C", "", "-f", "/keys/id_ed25519")
    await run(*inside, "--volume", f"{keys}:/keys", "opsbell-test/opsbell:1", *make)
    host_key = ("cat", "/etc/ssh/ssh_host_ed25519_key.pub")
    known = await run("docker", "run", "--rm", "opsbell-test/detour:1", *host_key)
    (keys / "known_hosts").write_text(f"remote {known}")
    belongs_to_user(keys)
    installation = prepared.composed(
        "docs/compose.docker-over-ssh.yaml",
        "tests/image/compose.ssh.yaml",
        OPSBELL_DOCKER_HOST="ssh://remote@remote",
        TEST_PUBLIC_KEY=(keys / "id_ed25519.pub").read_text().strip(),
    )
    await installation.type("docker compose up --detach --wait remote")
    return installation


async def backed_up(installation: Installation) -> None:
    """A backup from Opsbell's container, which has no socket."""
    no_socket = "docker compose run --rm -T --entrypoint sh opsbell -c"
    await installation.type(f"{no_socket} '! test -e /var/run/docker.sock'")
    said = await installation.type(
        "docker compose run --rm -T opsbell backup now --json 2>/dev/null"
    )
    assert json.loads(said)["state"] == "done"
    sets = sorted((installation.site / "var/backups/grandvps").iterdir())
    manifest = json.loads((sets[-1] / "manifest.json").read_text())
    assert manifest["tables"]["public.users"] == 1000
    named = {each.name.partition(".")[0] for each in sets[-1].iterdir()}
    assert named >= ALL_BACKED_UP


async def docker_says(installation: Installation, *arguments: str) -> str:
    """What the docker program in Opsbell's container says."""
    words = shlex.join(("docker", *arguments))
    return await installation.type(
        f"docker compose run --rm -T --entrypoint sh opsbell -c {shlex.quote(words)}"
    )


async def test_a_backup_is_taken_through_the_socket_proxy(proxied: Installation) -> None:
    await backed_up(proxied)


async def test_the_doctor_is_content_with_the_socket_proxy(proxied: Installation) -> None:
    check = "docker compose run --rm -T opsbell check --json 2>/dev/null || test $? -eq 1"
    said = await until_answered(lambda: proxied.type(check))
    findings = json.loads(said)["findings"]
    # There is no Slack here.
    others = [each for each in findings if each["area"] != "Slack"]
    assert [each for each in others if each["state"] != "ok"] == []
    [engine] = [each for each in findings if each["subject"] == "Engine"]
    assert "tcp://docker:2375" in engine["says"]


@pytest.mark.parametrize(
    "arguments",
    [
        ("run", "--volume", "/:/host", "opsbell-test/opsbell:1"),
        ("create", "opsbell-test/opsbell:1"),
        ("volume", "create", "v"),
        ("network", "create", "n"),
        ("rm", "--force", "{db}"),
        ("rename", "{db}", "other"),
        ("cp", "{db}:/etc/passwd", "/tmp/"),
        ("export", "{db}"),
        ("image", "rm", "opsbell-test/opsbell:1"),
        ("image", "save", "opsbell-test/web:1"),
        ("commit", "{db}"),
        ("update", "--restart", "no", "{db}"),
        ("exec", "--privileged", "{db}", "true"),
        ("swarm", "init"),
        ("plugin", "ls"),
        ("system", "prune", "--force"),
    ],
    ids=lambda arguments: " ".join(arguments[:2]),
)
async def test_the_socket_proxy_refuses(
    proxied: Installation, grandvps: ComposeProject, arguments: tuple[str, ...]
) -> None:
    named = (each.format(db=grandvps.container("db")) for each in arguments)
    with pytest.raises(CommandFailedError, match="403 Forbidden"):
        await docker_says(proxied, *named)


def exec_request(body: str, *headers: str) -> str:
    """A request for an exec, as a program of one's own may word it."""
    lines = (
        "POST /containers/{id of db}/exec HTTP/1.1",
        "Host: docker",
        "Connection: close",
        *headers,
    )
    head = "\r\n".join(("Content-Type: application/json", ""))
    return "\r\n".join((*lines, head, body))


def sized(body: str) -> str:
    return exec_request(body, f"Content-Length: {len(body.encode())}")


async def id_of(container: str) -> str:
    return (await run("docker", "inspect", "--format", "{{.Id}}", container)).strip()


PRIVILEGED = '{"Cmd": ["true"], "Privileged": true}'


@pytest.mark.parametrize(
    ("request_text", "status"),
    [
        (sized('{"Cmd": ["echo", "\\u0026 ü"]}'), "201"),
        (sized('{"Cmd": ["true"], "Privileged": false}'), "201"),
        (sized(PRIVILEGED), "403"),
        (sized('{"Cmd": ["true"], "pRIVILEGED"\t:\n true}'), "403"),
        (sized('{"Cmd": ["true"], "\\u0050rivileged": true}'), "403"),
        (sized(f'{{"Env": ["A={"x" * 70_000}"], {PRIVILEGED[1:]}'), "403"),
        (
            exec_request(
                f"{len(PRIVILEGED):x}\r\n{PRIVILEGED}\r\n0\r\n\r\n", "Transfer-Encoding: chunked"
            ),
            "403",
        ),
        ("GET /containers/{db}/%61rchive?path=/etc HTTP/1.0\r\n\r\n", "403"),
        ("GET /images/opsbell-test/web:1/get HTTP/1.0\r\n\r\n", "403"),
        ("GET /containers/../images/get?names=opsbell-test/web:1 HTTP/1.0\r\n\r\n", "403"),
        ("GET /containers/{db}/attach/ws HTTP/1.0\r\n\r\n", "403"),
        ("POST /v1.20/containers/{db}/start HTTP/1.0\r\n\r\n", "403"),
        ("GET /containers/{db}/json HTTP/1.0\r\n\r\n", "200"),
        (sized('{"Cmd": ["true"]}').replace("{id of db}", "{db}"), "403"),
        # The proxy itself has the socket.
        (sized('{"Cmd": ["true"]}').replace("{id of db}", "{id of proxy}"), "403"),
    ],
)
async def test_the_socket_proxy_is_not_talked_round(
    proxied: Installation, grandvps: ComposeProject, request_text: str, status: str
) -> None:
    await proxied.type("docker compose up --detach docker")
    db = grandvps.container("db")
    program = (
        "import socket, sys\n"
        "with socket.create_connection(('docker', 2375)) as engine:\n"
        "    engine.sendall(sys.stdin.buffer.read())\n"
        "    print(engine.recv(65536).split()[1].decode())\n"
    )
    said = await proxied.type(
        "docker compose run --rm -T --no-deps --entrypoint python3 opsbell"
        f" -c {shlex.quote(program)} 2>/dev/null",
        typed=request_text.replace("{db}", db)
        .replace("{id of db}", await id_of(db))
        .replace("{id of proxy}", await id_of(proxied.container("docker"))),
    )
    assert said.strip() == status


async def test_without_the_project_s_network_the_start_says_which_is_missing(
    prepared: Installation,
) -> None:
    gone = prepared.composed(OPSBELL_PROJECT_NETWORK="shop_default")
    with pytest.raises(CommandFailedError, match=r"network shop_default .*not (be )?found"):
        await gone.type("docker compose up --detach --wait")


async def test_a_network_of_its_own_bears_the_name_of_its_own_project(
    prepared: Installation,
) -> None:
    apart = prepared.composed(OPSBELL_PROJECT_NETWORK="", OPSBELL_PROJECT_NETWORK_EXISTS="false")
    networks = json.loads(await apart.type("docker compose config --format json"))["networks"]
    assert networks["project"]["name"] == f"{prepared.project}_project"


async def test_the_socket_proxy_stops_and_starts_what_is_there(
    proxied: Installation, grandvps: ComposeProject
) -> None:
    web = grandvps.container("web")
    await docker_says(proxied, "restart", "--time", "1", web)
    assert "true" in await docker_says(proxied, "inspect", "--format", "{{.State.Running}}", web)


async def test_a_backup_is_taken_over_ssh(remote: Installation) -> None:
    await backed_up(remote)
    assert "Server Version" in await docker_says(remote, "info")


async def test_a_user_without_a_name_reaches_docker_over_ssh(remote: Installation) -> None:
    """The image's list of users does not have everyone that .env may name."""
    user = "54321"
    keys = remote.directory / "secrets/ssh"
    elsewhere = Installation(
        remote.home,
        remote.project,
        {**remote.environment, "OPSBELL_UID": user, "OPSBELL_GID": user},
    )
    belongs_to_user(keys, int(user))
    try:
        assert "Server Version" in await docker_says(elsewhere, "info")
    finally:
        belongs_to_user(keys)
