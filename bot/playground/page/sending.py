"""What becomes of what people write: a message, or a command and what Slack says of it."""

from __future__ import annotations

from bot.playground.message import Message
from bot.playground.outcomes import CommandOutcome
from bot.playground.page.tab import Tab
from bot.playground.workspace import Channel

SLACKBOT = "USLACKBOT"  # Slack's own user, whose words only the person sees


async def send(
    tab: Tab, channel: Channel, text: str, files: list[str], thread: Message | None = None
) -> None:
    """Send as the tab's person. What begins with a slash is a command, as in Slack."""
    if text.startswith("/") and not files:
        await _command(tab, channel, text, thread)
        return
    uploaded = [tab.slack.backend.files.find(each) for each in files]
    await tab.person.say(text, channel, thread=thread, files=uploaded)


async def _command(tab: Tab, channel: Channel, line: str, thread: Message | None) -> None:
    outcome = await tab.person.command(line, channel, thread=thread)
    if outcome.error is None:
        return
    tab.slack.backend.timeline.whisper(
        channel,
        SLACKBOT,
        tab.person.id,
        text=refusal(line.split(maxsplit=1)[0], outcome),
        thread_ts=(thread.thread_ts or thread.ts) if thread is not None else None,
    )


def refusal(command: str, outcome: CommandOutcome) -> str:
    """What Slack tells the person whose command came to nothing.

    The words for threads are Slack's own; for the rest they are ours, with Slack's error code.
    """
    if outcome.error == "not_supported_in_threads":
        return f"`{command}` is not supported in threads. Sorry!"
    if outcome.error == "unknown_command":
        return (
            f"`{command}` is not a command in this workspace. "
            "A message that begins with a slash is always taken for one."
        )
    if outcome.acked:
        return f"`{command}` failed: its answer could not be shown (`{outcome.error}`)."
    return f"`{command}` failed because the app did not respond (`{outcome.error}`)."
