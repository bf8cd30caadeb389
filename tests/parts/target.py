"""One target with its operations and backups, for a test to put more on; Slack is away."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from slack_sdk.web.async_client import AsyncWebClient

from bot.backups.service import Backups
from bot.config.settings import Settings
from bot.maintenance.proof import PATIENCE
from bot.maintenance.service import Maintenance
from bot.operations.engine import Engine
from bot.operations.service import Operations
from bot.slack.client import open_session, web_client
from bot.slack.posts import RECONCILE, SHARE_FILES, Posts
from bot.slack.topics import Topics
from bot.store.database import Database
from bot.store.queue import Lane, Queue
from bot.targets.targets import Targets
from tests.parts.operations import new_engine, new_operations


@dataclass
class Parts:
    """What backups, restores, deploys and runbooks of one target stand on."""

    settings: Settings
    database: Database
    queue: Queue
    targets: Targets
    client: AsyncWebClient
    posts: Posts
    engine: Engine
    operations: Operations
    backups: Backups
    target: str


async def nothing(**arguments: object) -> None:
    """Slack is away: posts wait."""


@contextlib.asynccontextmanager
async def open_parts(
    settings: Mapping[str, Any], database: Database, queue: Queue, *, admins: tuple[str, ...] = ()
) -> AsyncIterator[Parts]:
    """The parts of the one target in the settings."""
    validated = Settings.model_validate(settings)
    queue.handle(RECONCILE, nothing, lane=Lane.POSTS)
    queue.handle(SHARE_FILES, nothing, lane=Lane.POSTS)
    async with open_session() as session, Targets(validated) as targets:
        client = web_client(session, "xoxb-unused")
        engine = new_engine(database, queue, client)
        operations = new_operations(database, queue, client, engine, admins=admins)
        target = validated.only_target()
        assert target
        yield Parts(
            validated,
            database,
            queue,
            targets,
            client,
            Posts(database, queue, client),
            engine,
            operations,
            Backups(validated, targets, operations),
            target,
        )


def new_maintenance(parts: Parts, *, patience: timedelta = PATIENCE) -> Maintenance:
    """The maintenance of that target, which hides nothing."""
    return Maintenance(
        parts.settings,
        parts.targets,
        parts.database,
        parts.queue,
        parts.operations,
        parts.posts,
        Topics(parts.client),
        redact=str,
        patience=patience,
    )
