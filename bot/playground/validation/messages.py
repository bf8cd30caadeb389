"""What Slack refuses in a message's blocks and attachments."""

from __future__ import annotations

from typing import Any

from bot.playground.errors import SlackError
from bot.playground.validation.blocks import MESSAGE_BLOCKS, duplicate_block_ids
from bot.playground.validation.schema import Problem, Problems, by_type, listing
from bot.playground.visible import visible_texts

MAX_BLOCKS = 50
MAX_ATTACHMENTS = 100
MARKDOWN_LENGTH = 12_000  # characters in all markdown blocks of a message together
RENDERED_LENGTH = 13_200  # characters shown in all blocks together; Slack documents no number

_BLOCKS = listing(by_type(MESSAGE_BLOCKS), MAX_BLOCKS, least=0)


def message_problems(blocks: Any, pointer: str = "/blocks") -> Problems:
    """Everything wrong with a list of blocks in a message."""
    problems: Problems = []
    _BLOCKS(blocks, pointer, problems)
    if isinstance(blocks, list):
        problems += duplicate_block_ids(blocks, pointer)
        markdown = [
            str(block.get("text", ""))
            for block in blocks
            if isinstance(block, dict) and block.get("type") == "markdown"
        ]
        if len(markdown) > 1 and sum(map(len, markdown)) > MARKDOWN_LENGTH:
            message = f"must be less than {MARKDOWN_LENGTH + 1} characters"
            problems.append(Problem(pointer, message, "too_long", MARKDOWN_LENGTH))
    return problems


def check_message(blocks: Any, attachments: Any = None) -> None:
    """Raise the SlackError with which Slack refuses these blocks and attachments, if it does.

    Codes: invalid_blocks, invalid_attachments, too_many_attachments, msg_blocks_too_long.
    """
    attachments = attachments or []
    if not isinstance(attachments, list):
        raise SlackError("invalid_attachments")
    if len(attachments) > MAX_ATTACHMENTS:
        raise SlackError("too_many_attachments")
    refuse(message_problems(blocks))
    every_block = list(blocks)
    for index, attachment in enumerate(attachments):
        if not isinstance(attachment, dict):
            raise SlackError("invalid_attachments")
        inner = attachment.get("blocks") or []
        refuse(message_problems(inner, f"/attachments/{index}/blocks"))
        every_block += inner
    if sum(block["type"] in ("table", "data_table") for block in every_block) > 1:
        raise _refusal("invalid_attachments", ["only_one_table_allowed"])
    if sum(len(text) for text in visible_texts(every_block)) > RENDERED_LENGTH:
        raise SlackError("msg_blocks_too_long")


def refuse(problems: Problems) -> None:
    """Raise `invalid_blocks` with each problem and where it is, if there are any."""
    if problems:
        raise _refusal("invalid_blocks", [problem.line() for problem in problems])


def _refusal(code: str, lines: list[str]) -> SlackError:
    messages = [f"[ERROR] {line}" for line in lines]
    return SlackError(code, errors=lines, response_metadata={"messages": messages})
