"""What the channel hears of targets that someone keeps for their own operations."""

from __future__ import annotations

from bot.operations.model import TargetLock
from bot.operations.view import lock_line, who
from bot.slack import blocks
from bot.slack.message import Message
from bot.words import Sign, ago, utc_now

_WHILE = "Other people's operations wait until `/deploy unlock`; what the schedule does goes on."


def key(lock: TargetLock) -> str:
    """The key of the one message that tells of a lock."""
    return f"lock:{lock.target}:{lock.since.isoformat()}"


def in_words(lock: TargetLock) -> str:
    """Who keeps a target, since when and why: the middle of an error's sentence."""
    since, why = ago(lock.since, utc_now()), lock.reason.rstrip(".")
    return f"{lock.target} is locked by {who(lock.holder)} ({since}): {why}"


def taken(lock: TargetLock) -> Message:
    """That a target is locked."""
    sentence = f"{Sign.PAUSED} {lock.target} is locked: {lock.reason}"
    head = blocks.section(f"*{Sign.PAUSED} {blocks.literal(lock.target)} is locked*")
    return Message(sentence, [head, blocks.section(lock_line(lock)), blocks.context(_WHILE)])


def freed(lock: TargetLock, actor: str) -> Message:
    """The same message once it is over."""
    sentence = f"{Sign.DONE} {lock.target} is unlocked again."
    head = blocks.section(f"*{Sign.DONE} {blocks.literal(lock.target)} is unlocked again*")
    over = f"{lock_line(lock)}. Unlocked by {who(actor)}."
    return Message(sentence, [head, blocks.context(over)])


def stolen(lock: TargetLock, actor: str) -> Message:
    """What is said anew, to its holder above all, of a lock that somebody else has taken away."""
    sentence = f"{Sign.WARNING} The lock of {lock.target} was taken away: {lock.reason}"
    since = blocks.moment(lock.since, "{date_short_pretty} {time}")
    told = (
        f"{who(lock.holder)}: {who(actor)} has taken away your lock of"
        f" *{blocks.literal(lock.target)}*, held since {since} for: {blocks.literal(lock.reason)}"
    )
    waits = blocks.context("What waited for it runs now.")
    return Message(sentence, [blocks.section(f"{Sign.WARNING} {told}"), waits])
