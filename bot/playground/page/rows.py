"""What stands in a channel or a thread, as rows: pure values, compared to know what changed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import islice

from bot.playground.message import Message, ts_key
from bot.playground.page.times import Times
from bot.playground.workspace import Channel, Workspace

GROUP_SECONDS = 300  # one author's messages within this time stand under one name


@dataclass(frozen=True)
class Thread:
    """The thread below a message as its bar tells of it."""

    replies: int
    last: str
    people: tuple[str, ...]


@dataclass(frozen=True)
class Row:
    """One message as it is drawn. Equal rows look the same."""

    message: Message
    day: str = ""  # the divider above it, if a day begins here
    is_grouped: bool = False  # under the name of the message above
    is_first_new: bool = False
    thread: Thread | None = None

    @property
    def key(self) -> str:
        return self.message.ts


def channel_messages(
    channel: Channel, workspace: Workspace, person: str, limit: int
) -> tuple[list[Message], bool]:
    """The newest `limit` top-level messages, oldest first, with those only this person sees.

    Also whether there are earlier ones.
    """
    newest = list(islice(channel.history(), limit + 1))
    shown, has_earlier = newest[:limit], len(newest) > limit
    start = ts_key(shown[-1].ts) if has_earlier else -1
    own = [
        each
        for each in workspace.ephemerals_of(person).values()
        if each.channel == channel.id and not each.thread_ts and ts_key(each.ts) >= start
    ]
    return sorted([*shown, *own], key=lambda each: ts_key(each.ts)), has_earlier


def thread_messages(
    channel: Channel, workspace: Workspace, person: str, root: str, limit: int
) -> tuple[list[Message], bool]:
    """A thread's parent and its newest `limit` replies, oldest first, with those only this person
    sees. Also whether there are earlier ones. Raises KeyError where there is no such parent.
    """
    replies = channel.thread(root)
    shown, has_earlier = replies[-limit:], len(replies) > limit
    start = ts_key(shown[0].ts) if has_earlier else -1
    own = [
        each
        for each in workspace.ephemerals_of(person).values()
        if each.channel == channel.id and each.thread_ts == root and ts_key(each.ts) >= start
    ]
    parent = channel.messages[root]
    return [parent, *sorted([*shown, *own], key=lambda each: ts_key(each.ts))], has_earlier


def rows(
    messages: Sequence[Message],
    channel: Channel,
    *,
    times: Times,
    now: float,
    first_new: str = "",
) -> list[Row]:
    """The rows of a channel. `first_new` is the ts above which the line "New" stands,
    `now` is in epoch seconds."""
    made: list[Row] = []
    above: Message | None = None
    for message in messages:
        day = _day_above(message, above, times, now)
        is_first_new = message.ts == first_new
        made.append(
            Row(
                message,
                day=day,
                is_grouped=not day and not is_first_new and _is_grouped(message, above),
                is_first_new=is_first_new,
                thread=_thread(message, channel),
            )
        )
        above = message
    return made


def thread_rows(
    messages: Sequence[Message], channel: Channel, *, times: Times, now: float
) -> list[Row]:
    """The rows of a thread: its parent apart from the replies, no divider above it."""
    made = [replace(row, thread=None) for row in rows(messages, channel, times=times, now=now)]
    made[:1] = [replace(row, day="") for row in made[:1]]
    made[1:2] = [replace(row, is_grouped=False) for row in made[1:2]]
    return made


def _day_above(message: Message, above: Message | None, times: Times, now: float) -> str:
    when = times.moment(message.ts)
    if above is not None and times.moment(above.ts).date() == when.date():
        return ""
    return times.day(message.ts, now)


def _is_grouped(message: Message, above: Message | None) -> bool:
    if above is None or message.user != above.user or message.username != above.username:
        return False
    if message.ephemeral_for != above.ephemeral_for or message.subtype == "tombstone":
        return False
    return ts_key(message.ts) - ts_key(above.ts) < GROUP_SECONDS * 1_000_000


def _thread(message: Message, channel: Channel) -> Thread | None:
    replies = channel.thread(message.ts)
    if not replies:
        return None
    people = tuple(dict.fromkeys(reply.user for reply in replies))
    return Thread(len(replies), replies[-1].ts, people)
