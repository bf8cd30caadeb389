"""Rich text blocks as HTML in which everything is escaped."""

from __future__ import annotations

from collections.abc import Iterable
from html import escape

from bot.playground.errors import JSON
from bot.playground.page import mrkdwn
from bot.playground.page.emoji import EMOJI
from bot.playground.workspace import Workspace

# From the innermost tag to the outermost.
_STYLES = {
    "code": "code",
    "underline": "u",
    "strike": "s",
    "italic": "i",
    "bold": "b",
    "highlight": "mark",
    "client_highlight": "mark",
}


def to_html(block: JSON, workspace: Workspace) -> str:
    """The inside of a rich_text block."""
    return "".join(_part(part, workspace) for part in block["elements"])


def _part(part: JSON, workspace: Workspace) -> str:
    kind = part["type"]
    if kind == "rich_text_list":
        return _list(part, workspace)
    inner = _line(part["elements"], workspace)
    if kind == "rich_text_preformatted":
        return f"<pre>{inner}</pre>"
    if kind == "rich_text_quote":
        return f"<blockquote>{_breaks(inner)}</blockquote>"
    return f"<div>{_breaks(inner)}</div>"


def _list(part: JSON, workspace: Workspace) -> str:
    items = "".join(
        f"<li>{_breaks(_line(item['elements'], workspace))}</li>" for item in part["elements"]
    )
    indent = int(part.get("indent", 0))
    classes = f"bk-indent-{indent}" + (" bk-bordered" if part.get("border") else "")
    if part["style"] == "ordered":
        first = int(part.get("offset", 0)) + 1
        return f'<ol class="{classes}" start="{first}">{items}</ol>'
    return f'<ul class="{classes}">{items}</ul>'


def _line(elements: Iterable[JSON], workspace: Workspace) -> str:
    return "".join(_styled(element, workspace) for element in elements)


def _styled(element: JSON, workspace: Workspace) -> str:
    shown = _inline(element, workspace)
    style = element.get("style", {})
    for name, tag in _STYLES.items():
        if style.get(name):
            shown = f"<{tag}>{shown}</{tag}>"
    return shown


def _inline(element: JSON, workspace: Workspace) -> str:
    kind = element["type"]
    if kind == "text":
        return escape(element["text"])
    if kind == "link":
        return mrkdwn.link(element["url"], escape(element.get("text") or element["url"]))
    if kind == "emoji":
        return escape(EMOJI.get(element["name"], f":{element['name']}:"))
    if kind == "user":
        return mrkdwn.mention("@", element["user_id"], workspace)
    if kind == "channel":
        return mrkdwn.mention("#", element["channel_id"], workspace)
    if kind == "usergroup":
        return mrkdwn.mention("^", element["usergroup_id"], workspace)
    if kind == "broadcast":
        return mrkdwn.mention("!", element["range"], workspace)
    if kind == "team":
        return escape(workspace.name if element["team_id"] == workspace.team_id else "a team")
    if kind == "date":
        stamp, form = str(element["timestamp"]), element["format"]
        return mrkdwn.date(stamp, form, element.get("fallback", ""), element.get("url", ""))
    return _colour(str(element.get("value", "")))


def _colour(value: str) -> str:
    """A colour as Slack shows one: its own code, with a swatch where it is #rrggbb."""
    shown = escape(value)
    digits = value.removeprefix("#")
    if len(digits) == 6 and all(each in "0123456789abcdefABCDEF" for each in digits):
        return f'<span class="bk-colour" style="--colour:#{digits}">{shown}</span>'
    return shown


def _breaks(html: str) -> str:
    return html.replace("\n", "<br>")
