"""Operations on a real database and queue, where nobody holds a role and Slack is away."""

from slack_sdk.web.async_client import AsyncWebClient

from bot.config.access import AccessRule
from bot.operations.approvers import Approvers
from bot.operations.engine import Engine
from bot.operations.service import Operations
from bot.operations.telling import Telling
from bot.slack.people import People
from bot.slack.posts import Posts
from bot.store.database import Database
from bot.store.queue import Queue


def new_engine(database: Database, queue: Queue, client: AsyncWebClient) -> Engine:
    """An engine that hides nothing and tells all in #ops."""
    telling = Telling(Posts(database, queue, client), "ops")
    return Engine(database, telling, redact=lambda target, text: text)


def new_operations(
    database: Database,
    queue: Queue,
    client: AsyncWebClient,
    engine: Engine | None = None,
    *,
    rule: AccessRule | None = None,
    admins: tuple[str, ...] = (),
) -> Operations:
    """Operations under one rule, without approvals unless it asks for them."""
    people = People(client, {"admin": admins})
    approvers = Approvers(lambda name: rule or AccessRule(), people)
    return Operations(database, queue, engine or new_engine(database, queue, client), approvers)
