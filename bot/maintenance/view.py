"""Maintenances as messages, for Slack and the terminal."""

from __future__ import annotations

import math
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from bot import words
from bot.maintenance.model import State, Window
from bot.maintenance.proof import ON, Proof
from bot.operations.view import who
from bot.slack import blocks
from bot.slack.message import Block, Message
from bot.words import Sign

EXTEND = "maintenance.extend"
END = "maintenance.end"
OPEN = "maintenance.open"
"""Ends what is on no record; its value is the target."""

CANCEL = "maintenance.cancel_window"

EXTENSION = timedelta(minutes=30)
"""What the button adds."""


_NEXT_STEPS = {
    State.MISSED: "Where it was renamed, schedule this again under the new name.",
    State.ABANDONED: "The file was left as it was. Where the target was renamed, end this with"
    " `/maintenance off` under the new name; else remove the file by hand.",
}
"""What to do about one whose target left the configuration."""


def said(sentence: str) -> Message:
    """A sentence that may hold moments, as a message of its own."""
    shown = blocks.section(blocks.literal(sentence))
    return Message(blocks.without_moments(sentence), [shown])


def span(window: Window, zone: ZoneInfo) -> str:
    """When one that is scheduled begins, as a moment, and its length."""
    if window.starts is None or window.length is None:
        return "no time"
    return f"{blocks.day_and_time(window.starts, zone)}, for {words.duration(window.length)}"


def sentence(window: Window, zone: ZoneInfo) -> str:
    """How it stands, as a full sentence that may hold moments."""
    subject = f"The maintenance of {window.target}"
    match window.state:
        case State.SCHEDULED:
            return f"{subject} is scheduled for {span(window, zone)}."
        case State.BEGINNING:
            return f"{subject} is beginning."
        case State.ON if window.trouble:
            return f"{window.target} is in maintenance, but {window.trouble}."
        case State.ON:
            return f"{window.target} is in maintenance, {until(window, zone)}."
        case State.ENDING:
            return f"{subject} is ending."
        case State.OVER if window.trouble:
            return f"{subject} is over, but {window.trouble}."
        case State.OVER:
            return f"{subject} is over."
        case State.CANCELLED:
            return f"{subject} was cancelled."
        case State.MISSED if window.trouble:
            return f"{subject} was missed: {window.trouble}."
        case State.MISSED:
            return f"{subject} was missed: its time passed before it could begin."
        case State.UNDONE:
            return f"{subject} was undone."
        case State.ABANDONED:
            return f"{subject} was abandoned, and its file left as it was: {window.trouble}."


def until(window: Window, zone: ZoneInfo) -> str:
    """Its end, with its moment."""
    if window.until is None:
        return "without an end"
    return f"until {blocks.day_and_time(window.until, zone)}"


def message(window: Window, zone: ZoneInfo) -> Message:
    """The one live message of a maintenance."""
    parts: list[Block] = [blocks.section(_head(window, zone))]
    body = [blocks.escape(window.reason)] if window.reason else []
    if window.trouble:
        body.append(f"{Sign.CRITICAL} *{blocks.escape(_trouble(window))}*{_next_step(window)}")
    elif window.proven and window.state is State.ON:
        body.append(f"{Sign.DONE} Visitors meet the maintenance page.")
    elif window.state is State.ON:
        body.append(f"{Sign.OPEN} Not proven: the page was not looked at.")
    elif window.proven and window.state is State.OVER:
        body.append(f"{Sign.DONE} Visitors meet the application again.")
    if window.topic_trouble:
        body.append(f"{Sign.WARNING} {blocks.escape(window.topic_trouble)}")
    if body:
        parts.append(blocks.section("\n".join(body)))
    if row := buttons(window):
        parts.append(blocks.actions(*row))
    parts.append(blocks.context(_quiet(window, zone)))
    told = blocks.without_moments(sentence(window, zone))
    return Message(f"{_sign(window)} {told}", parts)


def _trouble(window: Window) -> str:
    if window.state in _NEXT_STEPS:
        return f"{window.trouble}."
    state = "Off" if window.state is State.OVER else window.state.value.capitalize()
    return f"{state}, but {window.trouble}"


def _next_step(window: Window) -> str:
    return f" {_NEXT_STEPS[window.state]}" if window.state in _NEXT_STEPS else ""


def _sign(window: Window) -> Sign:
    return Sign.CRITICAL if window.trouble else window.state.sign


def _head(window: Window, zone: ZoneInfo) -> str:
    parts = [f"{_sign(window)} Maintenance of {blocks.escape(window.target)}", window.state.value]
    match window.state:
        case State.SCHEDULED if window.starts and window.planned_end:
            begins = blocks.day_and_time(window.starts, zone)
            parts.append(f"{begins} until {blocks.moment(window.planned_end, zone=zone)}")
        case State.BEGINNING | State.ON | State.ENDING:
            if window.until:
                parts.append(until(window, zone))
            else:
                parts.append("until somebody ends it")
        case State.OVER if window.began and window.ended:
            parts.append(words.duration(window.ended - window.began))
    return f"*{' · '.join(parts)}*"


def _quiet(window: Window, zone: ZoneInfo) -> str:
    parts = []
    if window.actor:
        asked = blocks.day_and_time(window.began or window.asked, zone)
        parts.append(f"{who(window.actor)}, {asked}")
    parts.append(f"maintenance {window.id}")
    if window.state is State.ON:
        parts.append(f"alerts of {blocks.escape(window.target)} are held back")
    if window.ended_by and window.ended:
        by = "itself" if window.ended_by == "opsbell" else who(window.ended_by)
        parts.append(f"ended by {by}, {blocks.moment(window.ended, zone=zone)}")
    return " · ".join(parts)


def buttons(window: Window) -> list[Block]:
    """What can be done about it, as it stands."""
    if window.state is State.SCHEDULED:
        question = blocks.confirm(
            "Cancel this maintenance?",
            f"{blocks.escape(window.target)} stays open to visitors.",
            "Cancel it",
            "Keep it",
        )
        value = str(window.id)
        return [blocks.button("Cancel", CANCEL, value, style="danger", confirm=question)]
    if window.state is not State.ON:
        return []
    extend = [_extend_button(window)] if window.until else []
    return [*extend, _end_button(END, window.target, str(window.id))]


def open_button(target: str) -> Block:
    """The same end for a target whose file is on no record."""
    return _end_button(OPEN, target, target)


def _end_button(action: str, target: str, value: str) -> Block:
    question = blocks.confirm(
        "End the maintenance?",
        f"{blocks.escape(target)} is opened to visitors again.",
        "End it",
        "Leave it on",
    )
    return blocks.button("End now", action, value, style="danger", confirm=question)


def _extend_button(window: Window) -> Block:
    """Its value names the end that is seen, so that two people's clicks are one extension."""
    seen = int(window.until.timestamp()) if window.until else 0
    return blocks.button(f"Extend {words.duration(EXTENSION)}", EXTEND, f"{window.id}|{seen}")


def warning(window: Window, zone: ZoneInfo, now: datetime) -> Message:
    """What is said anew shortly before the end, in whole minutes: it may be said late."""
    if window.until is None:
        raise ValueError(f"{window.key} has no end")
    minutes = math.ceil((window.until - now) / timedelta(minutes=1))
    soon = words.duration(timedelta(minutes=max(1, minutes)))
    told = (
        f"{Sign.WARNING} The maintenance of {window.target} ends in {soon},"
        f" at {words.moment(window.until, zone)}."
    )
    called = f"{who(window.actor)} " if window.actor.startswith("slack:") else ""
    moment = blocks.moment(window.until, zone=zone)
    shown = (
        f"{Sign.WARNING} {called}The maintenance of {blocks.escape(window.target)} ends in"
        f" {soon}, at {moment}."
    )
    return Message(told, [blocks.section(shown), blocks.actions(*buttons(window))])


def warned(window: Window, zone: ZoneInfo) -> Message:
    """What the warning says once it was heeded, or the maintenance is over."""
    if window.state.active and window.until:
        told = (
            f"{Sign.DONE} The maintenance of {window.target} was extended, {until(window, zone)}."
        )
    else:
        told = f"{window.state.sign} {sentence(window, zone)}"
    return said(told)


def mismatch(window: Window, proof: Proof) -> Message:
    """What is said anew where the page does not answer as it should."""
    state = "on" if proof.wanted == ON else "off"
    told = f"{Sign.CRITICAL} Maintenance of {window.target} is {state}, but {proof.said}."
    hint = (
        "Visitors may still use the application. What serves it has to look for the file; and a"
        " page that lets Opsbell's own address through cannot show it."
        if state == "on"
        else "Visitors do not get the application yet."
    )
    called = f"{who(window.actor)} " if window.actor.startswith("slack:") else ""
    shown = blocks.escape(told) + f"\n{hint}"
    return Message(told, [blocks.section(f"{called}{shown}"), blocks.context(f"<{proof.url}>")])


def extended(window: Window, zone: ZoneInfo) -> Message:
    """What a person hears who has moved an end."""
    end = blocks.day_and_time(window.until, zone) if window.until else ""
    return said(f"The maintenance of {window.target} now lasts until {end}.")
