"""Slack over HTTP, as docs/install.md says it differs."""

import pytest

from bot.playground import LocalSlack
from tests.image.conftest import ADMIN
from tests.image.installation import Installation

pytestmark = [
    pytest.mark.asyncio(loop_scope="module"),
    pytest.mark.needs("docker", "compose", "postgres-image", "web-image", "root"),
    # The image is built first where it is not cached.
    pytest.mark.timeout(600),
]


async def test_slack_calls_opsbell_and_needs_no_app_token(
    prepared: Installation, host_address: str
) -> None:
    port = prepared.environment["OPSBELL_PORT"]
    address = f"http://127.0.0.1:{port}/slack/events"
    async with LocalSlack(host=host_address, request_url=address, ack_timeout=30) as slack:
        secrets = prepared.directory / "secrets"
        (secrets / "slack_bot_token").write_text(slack.bot_token)
        (secrets / "slack_signing_secret").write_text(slack.signing_secret)
        assert (secrets / "slack_app_token").read_text() == ""
        config = prepared.site / "opsbell.yaml"
        config.write_text(f"slack: {{mode: http}}\n{config.read_text()}")
        installation = prepared.composed("docs/compose.http.yaml", SLACK_API_URL=slack.api_url)
        await installation.type("docker compose up --detach --wait")
        assert await slack.verify_request_url()
        alice = slack.person(ADMIN)
        assert (await alice.command("/opsbell status", channel="ops")).acked
        await alice.wait_for_ephemeral(channel="ops")
