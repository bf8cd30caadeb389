"""What people are told of drills beside the operation's own message."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from zoneinfo import ZoneInfo

from bot import words
from bot.slack import blocks
from bot.slack.message import Message
from bot.words import Sign


def missed(
    target: str, due_times: Sequence[datetime], why: str, *, zone: ZoneInfo, slash: str
) -> Message:
    """What the channel hears of drills that were not made; `slash` is the command's name."""
    times = [blocks.day_and_time(due_at, zone) for due_at in due_times[-3:]]
    more = len(due_times) - len(times)
    which = words.join(([f"{more} before"] if more else []) + times)
    noun, was = ("drill", "was") if len(due_times) == 1 else ("drills", "were")
    sentence = f"{Sign.CRITICAL} The restore {noun} of {target} due {which} {was} not made"
    sentence += f": {why}" if why else " in time."
    hint = f"`{slash} verify` makes one."
    shown = blocks.section(f"{blocks.literal(sentence)} {hint}")
    return Message(f"{blocks.without_moments(sentence)} {hint}", [shown])
