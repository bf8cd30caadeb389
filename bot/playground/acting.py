"""Using one exact element of a message or view, and asking the app what a menu offers."""

from __future__ import annotations

import time
from typing import Any

from bot.playground import interactions
from bot.playground.backend import Backend
from bot.playground.choosing import action_json
from bot.playground.errors import JSON
from bot.playground.interactions import Surface
from bot.playground.outcomes import ActionOutcome
from bot.playground.screen import STATEFUL, Screen
from bot.playground.visible import Placed
from bot.playground.workspace import Person


async def act(
    backend: Backend, person: Person, surface: Surface, screen: Screen, placed: Placed, value: Any
) -> ActionOutcome:
    """Put what was chosen on the screen and, unless the element is a plain input, send it."""
    if placed.element["type"] in STATEFUL:
        screen.enter(placed, value)
    if placed.block.get("type") == "input" and not placed.block.get("dispatch_action"):
        return ActionOutcome()
    action = action_json(placed, value)
    return await send(backend, interactions.block_actions(backend, person, surface, screen, action))


async def send(backend: Backend, payload: JSON) -> ActionOutcome:
    """Deliver an interaction and say what came of it."""
    started = time.perf_counter()
    answer = await backend.dispatcher.request("interactive", payload)
    return ActionOutcome(answer.acked, time.perf_counter() - started, answer.error)


async def ask_options(
    backend: Backend, person: Person, surface: Surface, placed: Placed, typed: str
) -> list[JSON]:
    """The option groups that the app offers for what was typed into an external select.

    Plain options come as one group without a label; no answer, or no options, as no group.
    """
    element = {"block_id": placed.block_id, "action_id": placed.action_id}
    payload = interactions.block_suggestion(backend, person, surface, element, typed)
    answer = await backend.dispatcher.request("interactive", payload)
    body = answer.body if isinstance(answer.body, dict) else {}
    if groups := body.get("option_groups"):
        return list(groups)
    return [{"options": body["options"]}] if body.get("options") else []
