"""How errors, refusals and wrong words are said. One place, so that they all sound alike."""

from __future__ import annotations

import re
import secrets
from collections.abc import Sequence

from bot.config.access import ANYONE
from bot.errors import Failed, OpsbellError, Refused
from bot.slack.blocks import code, context, escape, person, section
from bot.slack.message import Block, Message
from bot.slack.people import Decision
from bot.slack.surface import Command, Request, Usage
from bot.slack.text_in import nearest
from bot.words import Sign, join

_NAMED = 5
_ESCAPED_MENTION = re.compile(r"&lt;@([UW][A-Z0-9]{5,20})&gt;")
_SLASH = re.compile(r"(?<![^\s`])/(?=[a-z]+(?:[\s`.,]|$))")


def error(failure: OpsbellError, prefix: str) -> Message:
    """What a person is told when something did not work, and what to do."""
    sign = Sign.REFUSED if isinstance(failure, Refused) else Sign.WARNING
    sentence = f"{failure.message} {with_prefix(failure.hint, prefix)}".rstrip()
    blocks: list[Block] = [section(f"{sign} {_with_people(sentence)}")]
    if isinstance(failure, Failed) and failure.output:
        blocks.append(section(code("\n".join(failure.output.splitlines()[-10:])[-2500:])))
    return Message(sentence, blocks)


def _with_people(sentence: str) -> str:
    """Escaped, but for mentions, which notify nobody in what one person alone is told."""
    return _ESCAPED_MENTION.sub(r"<@\1>", escape(sentence))


def not_done(failure: OpsbellError) -> Message:
    """The same for a request of which nothing was done."""
    sentence = f"Not done: {failure}"
    return Message(sentence, [section(f"{Sign.REFUSED} {escape(sentence)}")])


def new_reference() -> str:
    """A short mark that finds a defect in the log: `7f3a`."""
    return secrets.token_hex(2)


def defect(reference: str) -> Message:
    """Something nobody foresaw; the log holds the rest under the reference."""
    sentence = (
        "Something went wrong inside Opsbell. Nothing was changed."
        f" Its log says more under {reference}."
    )
    return Message(sentence, [section(f"{Sign.CRITICAL} {sentence}")])


def refusal(what: str, decision: Decision) -> Message:
    """Who may not is told which role it takes and who has it. Mentions here notify nobody."""
    return Message(
        f"Not done: {_refused(what, decision, tuple(decision.holders))}",
        [
            section(
                f"{Sign.REFUSED} Not done: "
                + _refused(what, decision, tuple(map(person, decision.holders)))
            )
        ],
    )


def _refused(what: str, decision: Decision, holders: tuple[str, ...]) -> str:
    if decision.role == ANYONE:
        for_members = f"{what} is for full members of this workspace"
        if decision.known:
            return f"{for_members}."
        return (
            f"{for_members}, and Slack does not say at the moment who is one."
            " Try again in a minute."
        )
    if not decision.known:
        return (
            f"{what} needs the role {decision.role}, and Slack does not say at the moment"
            " who has it. Try again in a minute."
        )
    if not holders:
        return (
            f"{what} needs the role {decision.role}, which nobody has."
            " People are given it under roles in opsbell.yaml."
        )
    more = [f"{len(holders) - _NAMED} more"] if len(holders) > _NAMED else []
    named = join([*holders[:_NAMED], *more])
    has = "has" if len(holders) == 1 else "have"
    return f"{what} needs the role {decision.role}. {named} {has} it."


def usage(command: Command, request: Request, failure: OpsbellError, prefix: str) -> Message:
    """What was wrong with the words, what they may be have meant, and what would be right."""
    first = request.text.split(None, 1)[0] if request.text else ""
    meant = "" if failure.hint or first in command.words else nearest(first, command.words)
    sentence = with_prefix(f"{failure} {meant}".strip(), prefix)
    example = next((each.example for each in command.usages if each.example), "")
    blocks: list[Block] = [section(escape(sentence)), section(forms(command.usages, prefix))]
    if example:
        blocks.append(context(f"For example `{escape(with_prefix(example, prefix))}`"))
    told = "; ".join(with_prefix(each.form, prefix) for each in command.usages)
    return Message(f"{sentence} Usage: {told}", blocks)


def unknown_command(name: str, known: list[str], prefix: str) -> Message:
    """There is no such command."""
    meant = nearest(name, known)
    sentence = f'Opsbell knows no command "{name[:30]}". {meant}'.strip()
    sentence += f" Type /{prefix}opsbell help to see them all."
    return Message(sentence, [section(escape(sentence))])


def forms(usages: Sequence[Usage], prefix: str) -> str:
    """How a command is used, a line for each form of it: on a phone these wrap, where a code block
    would run off the screen. Mrkdwn."""
    return "\n".join(
        f"`{escape(with_prefix(each.form, prefix))}`  {escape(with_prefix(each.summary, prefix))}"
        for each in usages
    )


def with_prefix(text: str, prefix: str) -> str:
    """Opsbell's own words, the commands in them as they are typed where they have a prefix."""
    return _SLASH.sub(f"/{prefix}", text)
