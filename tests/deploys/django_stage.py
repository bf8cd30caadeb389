"""The whole house on the Django project: what people type in Slack, and what comes of it."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from bot.cancelling import end
from bot.playground import LocalSlack, Message
from bot.playground.people import ActingPerson
from tests.parts.django_project.project import DjangoProject
from tests.parts.django_project.releases import git
from tests.parts.house import app_slack, running_opsbell, write_config
from tests.parts.process import ChildProcess

LIMIT = 120.0
"""Seconds that an operation gets on a busy machine."""

TARGET = "grandvps"
ENDS = ("done", "failed", "cancelled", "interrupted", "undone")


def django_target(project: DjangoProject, backups: Path, **deploy: object) -> str:
    """The configuration of the project as the target, with its backups."""
    url = project.web_url
    return f"""
targets:
  {TARGET}:
    runtime: compose
    directory: {project.directory}
    compose: {{project: {project.project}, env_file: .env.production}}
    database: {{service: db, user: {project.user}, name: {project.database}}}
    files: {{media: media, logs: logs}}
    config: [.env.production, docker-compose.yml]
    maintenance: {{file: maintenance_mode.txt, url: "{url}/"}}
    health: {{url: "{url}/healthz", within: 60s}}
    deploy: {json.dumps({"watch": "5s", "services": ["web"], **deploy})}
backups:
  {TARGET}:
    include: [database]
    store: {{directory: {backups}}}
    keep: {{last: 5}}
"""


@dataclass
class Stage:
    """Opsbell running beside the project. `alice` is an operator, `carol` an admin."""

    slack: LocalSlack
    project: DjangoProject
    config: Path
    process: ChildProcess
    _before: set[str] = field(default_factory=set)

    @property
    def alice(self) -> ActingPerson:
        """Who types."""
        return self.slack.person("U0ALICE001")

    @property
    def carol(self) -> ActingPerson:
        """Who restores."""
        return self.slack.person("U0CAROL001")

    async def ask(self, line: str, *, by: ActingPerson | None = None, **values: Any) -> str:
        """Types a command, runs the plan that it shows, and returns that plan's text."""
        self.begin()
        person = by or self.alice
        assert (await person.command(line, channel="ops")).acked
        try:
            view = await person.wait_for_view(
                timeout=60, where=lambda each: each.definition.get("submit") is not None
            )
        except TimeoutError:
            told = [each.plain for each in person.ephemerals("ops")]
            raise AssertionError(f"no plan to confirm; told: {told}") from None
        shown = json.dumps(view.blocks, ensure_ascii=False)
        assert (await person.submit(view, values)).acked
        return shown

    async def type(self, line: str) -> None:
        """Types a command that asks nothing in return."""
        self.begin()
        assert (await self.alice.command(line, channel="ops")).acked

    async def refused(self, line: str, text: str) -> None:
        """Types a command that must be answered with a text instead of a plan to confirm: at once,
        or in the modal that opens where the answer takes longer."""
        assert (await self.alice.command(line, channel="ops")).acked
        at_once = self.alice.wait_for_ephemeral(channel="ops", text=text, timeout=LIMIT)
        in_modal = self.alice.wait_for_view(
            timeout=LIMIT,
            where=lambda view: text in str(view.blocks) and "submit" not in view.definition,
        )
        answers = [asyncio.create_task(at_once), asyncio.create_task(in_modal)]
        await asyncio.wait(answers, return_when=asyncio.FIRST_COMPLETED)
        done = [each for each in answers if each.done()]
        await end([each for each in answers if not each.done()])
        done[0].result()

    async def approve(self) -> None:
        """Another admin approves what was asked for last."""
        dan = self.slack.person("U0DAN00001")
        await dan.click(await self.told("waits for approval"), "Approve")

    def begin(self) -> None:
        """What is posted from now on belongs to what is asked for next."""
        self._before = {each.ts for each in self.slack.messages("ops")}

    async def told(self, text: str, *, timeout: float = LIMIT) -> Message:
        """The newest message in #ops that contains a text, now or when it comes."""
        return await self.slack.wait_for_message(channel="ops", text=text, timeout=timeout)

    async def deploy(self, ref: str, state: str = "done") -> Message:
        """Deploys a ref and returns the message of the operation, which must end like that."""
        await self.ask(f"/deploy {ref}")
        return await self.ended(state)

    async def ended(self, state: str) -> Message:
        """The message of the operation that was asked for last, once that has ended; it must be in
        that state."""

        def over(message: Message) -> bool:
            head = message.plain.partition("\n")[0]
            is_operation = "· operation " in message.plain and message.ts not in self._before
            return is_operation and any(f" · {each}" in head for each in ENDS)

        message = await self.slack.wait_for_message(channel="ops", where=over, timeout=LIMIT)
        assert f" · {state}" in message.plain.partition("\n")[0], message.plain
        return message


@asynccontextmanager
async def house(
    project: DjangoProject, directory: Path, database_url: str, **deploy: object
) -> AsyncIterator[Stage]:
    """Opsbell and the local Slack, until the block ends."""
    target = django_target(project, directory / "backups", **deploy)
    config = write_config(directory, database_url, target)
    async with app_slack() as slack, running_opsbell(config, slack) as process:
        yield Stage(slack, project, config, process)


async def put_back(project: DjangoProject) -> None:
    """The project as it was when the module began: the first release with its own database."""
    project.maintenance_file.unlink(missing_ok=True)
    git(project.directory, "checkout", "--quiet", "--force", "-B", "main", "v1")
    await project.compose("build", "--quiet", "web")
    await project.compose("up", "--detach", "--wait", "--scale", "web=1", "web")
