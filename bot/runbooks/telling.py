"""What steps for people post: a note, and whom an approval waits for.

Both stand by themselves, since an edit of the operation's message notifies nobody.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence

from bot.operations.model import StepContext
from bot.runbooks.kinds_people import waits_for
from bot.slack import blocks
from bot.slack.message import Message
from bot.slack.posts import Posts
from bot.store.database import Database

Holders = Callable[[str, str], Awaitable[Sequence[str]]]
"""Of a role and an actor: the Slack user IDs of the others who hold it, none where Slack does not
say."""

_MOST_MENTIONED = 50


class Telling:
    """Posts into a channel, once for each step."""

    def __init__(self, database: Database, posts: Posts, channel: str, holders: Holders) -> None:
        self._database = database
        self._posts = posts
        self._channel = channel
        self._holders = holders

    async def note(self, context: StepContext, text: str) -> None:
        """Tells who asked for the operation."""
        kind, _, name = context.operation.actor.partition(":")
        whom = [name] if kind == "slack" else []
        await self._put(context, "note", text, whom)

    async def approval(self, context: StepContext) -> None:
        """Tells all who can approve, and what they would approve."""
        given = context.step.planned.arguments
        whom = await self._holders(given["role"], context.operation.actor)
        await self._put(context, "approval", waits_for(given), whom)

    async def _put(self, context: StepContext, what: str, text: str, whom: Sequence[str]) -> None:
        operation = context.operation
        said = f"{operation.plan.title}: {text}"
        words = [*map(blocks.person, whom[:_MOST_MENTIONED]), blocks.escape(said)]
        async with self._database.transaction() as tx:
            await self._posts.put(
                tx,
                f"{operation.key}:{what}:{context.step.position}",
                channel=self._channel,
                message=Message(said, [blocks.section(" ".join(words))]),
                final=True,
            )
