"""Submitting and closing modals, and what the app's answer does to them."""

from __future__ import annotations

import re
import time
from dataclasses import dataclass, field
from decimal import Decimal, InvalidOperation
from typing import Any

from bot.playground.backend import Backend
from bot.playground.delivery import Answer
from bot.playground.errors import JSON, SlackError
from bot.playground.interactions import view_closed, view_submission
from bot.playground.modals import View, checked_view
from bot.playground.visible import Placed, placed_elements

_EMAIL = re.compile(r"[^@\s]+@[^@\s]+\.[^@\s]+")


@dataclass(frozen=True)
class SubmitResult:
    """What a person sees after Submit.

    `errors` are by block_id, the app's own or Slack's for a field that is missing or too long
    (then nothing was sent). `view` is the modal now in front, `closed` whether the submitted one
    is gone, `error` operation_timeout, dispatch_failed or connection_error (an answer that Slack
    could not use).
    """

    acked: bool
    errors: dict[str, str] = field(default_factory=dict)
    closed: bool = False
    view: View | None = None
    error: str | None = None
    seconds: float = 0.0


def missing_fields(view: View) -> dict[str, str]:
    """What Slack's client itself objects to before it submits, by block_id."""
    errors = {}
    for placed in placed_elements(view.blocks):
        if placed.block.get("type") != "input":
            continue
        problem = _objection(placed, view.screen.value(placed))
        if problem:
            errors[placed.block_id] = problem
    return errors


def _objection(placed: Placed, value: Any) -> str | None:
    if value in (None, "", []):
        return None if placed.block.get("optional") else "required"
    if not isinstance(value, str):
        return None
    element = placed.element
    if element["type"] == "number_input":
        return _objection_to_number(element, value)
    if element["type"] == "email_text_input" and not _EMAIL.fullmatch(value):
        return "no email"
    if element["type"] == "url_text_input" and not value.startswith(("http://", "https://")):
        return "no url"
    if len(value) < element.get("min_length", 0):
        return "too short"
    if len(value) > element.get("max_length", 3000):
        return "too long"
    return None


def _objection_to_number(element: JSON, value: str) -> str | None:
    try:
        number = Decimal(value)
    except InvalidOperation:
        return "no number"
    if not number.is_finite():
        return "no number"
    if not element["is_decimal_allowed"] and number != int(number):
        return "no whole number"
    if "min_value" in element and number < Decimal(element["min_value"]):
        return "too small"
    if "max_value" in element and number > Decimal(element["max_value"]):
        return "too large"
    return None


async def submit_view(backend: Backend, view: View) -> SubmitResult:
    """Send the modal as its person filled it in and do what the answer says."""
    if errors := missing_fields(view):
        return SubmitResult(acked=False, errors=errors, view=view)
    started = time.perf_counter()
    answer = await backend.dispatcher.request("interactive", view_submission(backend, view))
    seconds = time.perf_counter() - started
    if not answer.acked:
        return SubmitResult(acked=False, view=view, error=answer.error, seconds=seconds)
    try:
        errors = await _follow(backend, view, answer)
    except SlackError:
        return SubmitResult(acked=True, view=view, error="connection_error", seconds=seconds)
    is_closed = not backend.views.is_open(view)
    top = backend.views.top(view.user)
    return SubmitResult(acked=True, errors=errors, closed=is_closed, view=top, seconds=seconds)


async def _follow(backend: Backend, view: View, answer: Answer) -> dict[str, str]:
    """Do what the ack's response_action says; returns its field errors.

    Raises SlackError for an answer that Slack cannot use.
    """
    body: JSON = answer.body if isinstance(answer.body, dict) else {}
    action = body.get("response_action")
    if not action:
        if backend.views.is_open(view):
            backend.views.close(view)
    elif action == "clear":
        if backend.views.is_open(view):
            await close_views(backend, backend.views.stacks[view.user][0], but=view)
    elif action == "update":
        backend.views.update(view, checked_view(body.get("view"), "modal"))
    elif action == "push":
        backend.views.push(view, checked_view(body.get("view"), "modal"))
    elif action == "errors":
        return _field_errors(view, body.get("errors"))
    else:
        raise SlackError("invalid_response_action")
    return {}


def _field_errors(view: View, errors: Any) -> dict[str, str]:
    inputs = {block["block_id"] for block in view.blocks if block["type"] == "input"}
    if not isinstance(errors, dict) or not errors or not set(errors) <= inputs:
        raise SlackError("invalid_errors")
    return {str(block_id): str(text) for block_id, text in errors.items()}


async def close_views(
    backend: Backend, view: View, but: View | None = None, *, everything: bool = False
) -> None:
    """Close a view and all above it; the app hears of each that asked for it, except `but`.

    With `everything`, and for a view with clear_on_close, the whole stack goes.
    """
    stack = backend.views.stacks[view.user]
    clears = bool(view.definition.get("clear_on_close"))
    is_cleared = everything or but is not None or clears
    for closed in backend.views.close(stack[0] if is_cleared else view):
        if closed is not but and closed.definition.get("notify_on_close"):
            payload = view_closed(backend, closed, is_cleared=is_cleared)
            await backend.dispatcher.request("interactive", payload)
