"""Maintenances as messages, for Slack and the terminal."""

from __future__ import annotations

from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from bot import words
from bot.maintenance.model import WARNING, State, Window
from bot.maintenance.proof import ON, Proof
from bot.operations.view import who
from bot.slack import blocks
from bot.slack.message import Block, Message
from bot.words import Sign

EXTEND = "maintenance.extend"
END = "maintenance.end"
CANCEL = "maintenance.cancel_window"

EXTENSION = timedelta(minutes=30)
"""What the button adds."""


def clock_time(at: datetime, zone: ZoneInfo) -> str:
    """`22:30`, in the team's zone."""
    return f"{at.astimezone(zone):%H:%M}"


def day_and_time(at: datetime, zone: ZoneInfo) -> str:
    """`Wed 25 Nov 22:30 CET`."""
    return f"{at.astimezone(zone):%a %-d %b %H:%M %Z}"


def span(window: Window, zone: ZoneInfo) -> str:
    """When one that is scheduled begins and ends: `Wed 25 Nov 22:00 CET until 22:30`."""
    if window.starts is None or window.planned_end is None:
        return "no time"
    same = window.starts.astimezone(zone).date() == window.planned_end.astimezone(zone).date()
    end = (clock_time if same else day_and_time)(window.planned_end, zone)
    return f"{day_and_time(window.starts, zone)} until {end}"


def sentence(window: Window, zone: ZoneInfo) -> str:
    """How it stands, as a full sentence."""
    subject = f"The maintenance of {window.target}"
    match window.state:
        case State.SCHEDULED:
            return f"{subject} is scheduled for {span(window, zone)}."
        case State.BEGINNING:
            return f"{subject} is beginning."
        case State.ON if window.trouble:
            return f"{window.target} is in maintenance, but {window.trouble}."
        case State.ON:
            end = f"until {day_and_time(window.until, zone)}" if window.until else "without an end"
            return f"{window.target} is in maintenance, {end}."
        case State.ENDING:
            return f"{subject} is ending."
        case State.OVER if window.trouble:
            return f"{subject} is over, but {window.trouble}."
        case State.OVER:
            return f"{subject} is over."
        case State.CANCELLED:
            return f"{subject} was cancelled."
        case State.MISSED:
            return f"{subject} was missed: its time passed before it could begin."
        case State.UNDONE:
            return f"{subject} was undone."


def message(window: Window, zone: ZoneInfo) -> Message:
    """The one live message of a maintenance."""
    parts: list[Block] = [blocks.section(_head(window))]
    body = [blocks.escape(window.reason)] if window.reason else []
    if window.trouble:
        body.append(f"{Sign.CRITICAL} *{_state(window)}, but {blocks.escape(window.trouble)}*")
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
    if row := _buttons(window):
        parts.append(blocks.actions(*row))
    parts.append(blocks.context(_quiet(window)))
    return Message(f"{_sign(window)} {sentence(window, zone)}", parts)


def _state(window: Window) -> str:
    return "Off" if window.state is State.OVER else window.state.value.capitalize()


def _sign(window: Window) -> Sign:
    return Sign.CRITICAL if window.trouble else window.state.sign


def _head(window: Window) -> str:
    parts = [f"{_sign(window)} Maintenance of {blocks.escape(window.target)}", window.state.value]
    match window.state:
        case State.SCHEDULED if window.starts and window.planned_end:
            begins = blocks.moment(window.starts, "{date_short_pretty} {time}")
            parts.append(f"{begins} until {blocks.moment(window.planned_end)}")
        case State.BEGINNING | State.ON | State.ENDING:
            if window.until:
                parts.append(f"until {blocks.moment(window.until, '{date_short_pretty} {time}')}")
            else:
                parts.append("until somebody ends it")
        case State.OVER if window.began and window.ended:
            parts.append(words.duration(window.ended - window.began))
    return f"*{' · '.join(parts)}*"


def _quiet(window: Window) -> str:
    parts = []
    if window.actor:
        asked = blocks.moment(window.began or window.asked, "{date_short_pretty} {time}")
        parts.append(f"{who(window.actor)}, {asked}")
    parts.append(f"maintenance {window.id}")
    if window.state is State.ON:
        parts.append(f"alerts of {blocks.escape(window.target)} are held back")
    if window.ended_by and window.ended:
        by = "itself" if window.ended_by == "opsbell" else who(window.ended_by)
        parts.append(f"ended by {by}, {blocks.moment(window.ended)}")
    return " · ".join(parts)


def _buttons(window: Window) -> list[Block]:
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
    question = blocks.confirm(
        "End the maintenance?",
        f"{blocks.escape(window.target)} is opened to visitors again.",
        "End it",
        "Leave it on",
    )
    end = blocks.button("End now", END, str(window.id), style="danger", confirm=question)
    return [*extend, end]


def _extend_button(window: Window) -> Block:
    """Its value names the end that is seen, so that two people's clicks are one extension."""
    seen = int(window.until.timestamp()) if window.until else 0
    return blocks.button(f"Extend {words.duration(EXTENSION)}", EXTEND, f"{window.id}|{seen}")


def warning(window: Window, zone: ZoneInfo) -> Message:
    """What is said anew shortly before the end."""
    if window.until is None:
        raise ValueError(f"{window.key} has no end")
    soon = words.duration(WARNING)
    told = (
        f"{Sign.WARNING} The maintenance of {window.target} ends in {soon},"
        f" at {clock_time(window.until, zone)}."
    )
    called = f"{who(window.actor)} " if window.actor.startswith("slack:") else ""
    moment = blocks.moment(window.until)
    shown = (
        f"{Sign.WARNING} {called}The maintenance of {blocks.escape(window.target)} ends in"
        f" {soon}, at {moment}."
    )
    return Message(told, [blocks.section(shown), blocks.actions(*_buttons(window))])


def warned(window: Window, zone: ZoneInfo) -> Message:
    """What the warning says once it was heeded, or the maintenance is over."""
    if window.state.active and window.until:
        told = (
            f"{Sign.DONE} The maintenance of {window.target} was extended, until"
            f" {clock_time(window.until, zone)}."
        )
    else:
        told = f"{window.state.sign} {sentence(window, zone)}"
    return Message(told, [blocks.section(blocks.escape(told))])


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
    end = day_and_time(window.until, zone) if window.until else ""
    return Message(f"The maintenance of {window.target} ends {end} now.")
