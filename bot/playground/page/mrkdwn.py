"""Slack's mrkdwn as HTML in which everything that people or the app wrote is escaped."""

from __future__ import annotations

import re
from collections.abc import Iterator
from html import escape
from itertools import groupby
from operator import itemgetter

from bot.playground.errors import JSON
from bot.playground.page.emoji import EMOJI
from bot.playground.workspace import Workspace

_SAFE_LINK = re.compile(r"(?:https?://|mailto:|tel:)", re.IGNORECASE)
_FENCE = re.compile(r"```\n?(.+?)\n?```", re.DOTALL)
_QUOTE = re.compile(r"(?:&gt;|>) ?")
_QUOTED_REST = re.compile(r"(?:&gt;&gt;&gt;|>>>) ?")
_BROADCASTS = ("here", "channel", "everyone")
# What can begin inside a line. A sign of formatting opens at the edge of a word and closes at one.
_INLINE = re.compile(
    r"`(?P<code>[^`\n]+)`"
    r"|<(?P<token>[@#!]?[^<>\n]+)>"
    r"|:(?P<emoji>[a-z0-9_+'-]+)(?::skin-tone-[2-6])?:"
    r"|(?P<url>https?://[^\s<>|]*[^\s<>|.,;:!?)*_~'\"])"
    r"|(?P<b>(?<![\w*])\*(?=[^\s*]))"
    r"|(?P<i>(?<![\w_])_(?=[^\s_]))"
    r"|(?P<s>(?<![\w~])~(?=[^\s~]))"
)
# What closes each sign of formatting, by the element that it makes.
_CLOSING = {
    "b": re.compile(r"(?<=\S)\*(?![\w*])"),
    "i": re.compile(r"(?<=\S)_(?![\w_])"),
    "s": re.compile(r"(?<=\S)~(?![\w~])"),
}


def to_html(text: str, workspace: Workspace, verbatim: bool = False) -> str:
    """mrkdwn as Slack's clients show it, safe to put into a page.

    Bare URLs become links unless `verbatim`; only http, https, mailto and tel are ever linked.
    Dates stand as `<time>` with their fallback text, for the page's script to write in the
    browser's own time zone. Lists are ordinary text, as in Slack.
    """
    parts = []
    at = 0
    for fence in _FENCE.finditer(text):
        parts.append(_lines(text[at : fence.start()].removesuffix("\n"), workspace, verbatim))
        parts.append(f"<pre>{_code(fence[1], workspace)}</pre>")
        at = fence.end() + (text[fence.end() : fence.end() + 1] == "\n")
    parts.append(_lines(text[at:], workspace, verbatim))
    return "".join(parts)


def text_html(text: JSON, workspace: Workspace) -> str:
    """A text object, mrkdwn or plain_text, as HTML."""
    if text["type"] == "mrkdwn":
        return to_html(text["text"], workspace, verbatim=bool(text.get("verbatim")))
    return plain_to_html(text["text"], emoji=bool(text.get("emoji", True)))


def plain_to_html(text: str, *, emoji: bool = True) -> str:
    """A plain_text object's words, safe to put into a page; `:name:` becomes its emoji."""
    shown = replace_emoji(text) if emoji else text
    return escape(shown).replace("\n", "<br>")


def replace_emoji(text: str) -> str:
    """The text with known `:name:` shortcodes replaced; not escaped."""
    return re.sub(r":([a-z0-9_+'-]+):", lambda found: EMOJI.get(found[1], found[0]), text)


def link(url: str, shown: str) -> str:
    """A link around `shown` (HTML already), or only `shown` where the URL is not safe to open."""
    if not _SAFE_LINK.match(url):
        return shown
    return f'<a href="{escape(url)}" target="_blank" rel="noopener noreferrer">{shown}</a>'


def is_safe(url: str) -> bool:
    """Whether a click may open the URL, or a picture be fetched from it."""
    return _SAFE_LINK.match(url) is not None


def mention(kind: str, reference: str, workspace: Workspace, label: str = "") -> str:
    """A person, channel, group or broadcast as HTML. `kind` is @, #, ^ (a user group) or !."""
    return (
        f'<span class="bk-mention">{escape(mention_text(kind, reference, workspace, label))}</span>'
    )


def mention_text(kind: str, reference: str, workspace: Workspace, label: str = "") -> str:
    """The same as plain text: @name or #name; the ID where the workspace knows no such thing."""
    if kind == "#":
        channel = workspace.channels.get(reference)
        return f"#{channel.name if channel else label or reference}"
    if kind == "^":
        group = workspace.groups.get(reference)
        name = group.handle if group else label or reference
    elif kind == "@":
        person = workspace.people.get(reference)
        name = person.name if person else label or reference
    else:
        name = reference
    return f"@{name.removeprefix('@')}"


def date(epoch: str, form: str, fallback: str, url: str = "") -> str:
    """A moment that the page's script writes out after `form`; until then its fallback."""
    shown = escape(fallback)
    if re.fullmatch(r"-?\d{1,11}", epoch):
        attributes = f'class="bk-time" data-epoch="{epoch}" data-format="{escape(form)}"'
        shown = f"<time {attributes}>{shown}</time>"
    return link(url, shown) if url else shown


def _lines(text: str, workspace: Workspace, verbatim: bool) -> str:
    """Text outside fences: quotes are blocks, the lines between them end in <br>."""
    parts = []
    for is_quote, lines in groupby(_quoted(text), key=itemgetter(0)):
        shown = "<br>".join(inline(line, workspace, verbatim) for _, line in lines)
        parts.append(f"<blockquote>{shown}</blockquote>" if is_quote else shown)
    return "".join(parts)


def _quoted(text: str) -> Iterator[tuple[bool, str]]:
    """Each line, and whether it is quoted, without the sign that says so."""
    is_rest_quoted = False
    for line in text.split("\n") if text else ():
        if not is_rest_quoted and (rest := _QUOTED_REST.match(line)):
            is_rest_quoted = True
            yield True, line[rest.end() :]
        elif is_rest_quoted:
            yield True, line
        else:
            sign = _QUOTE.match(line)
            yield sign is not None, line[sign.end() :] if sign else line


def inline(
    text: str, workspace: Workspace, verbatim: bool = False, within: frozenset[str] = frozenset()
) -> str:
    """One line of mrkdwn as HTML, or the part of it that stands `within` these elements."""
    parts = []
    at = start = 0
    # Signs that open nothing from here on: once no closing one was found, none is looked for
    # again, so that the work grows with the line and not with its square.
    idle = set(within)
    while found := _INLINE.search(text, start):
        start = found.end()
        kind = str(found.lastgroup)
        if kind not in _CLOSING:
            shown = _inline_html(found, workspace, verbatim)
        elif kind not in idle and (closing := _CLOSING[kind].search(text, start + 1)):
            inner = text[start : closing.start()]
            shown = f"<{kind}>{inline(inner, workspace, verbatim, within | {kind})}</{kind}>"
            start = closing.end()
        else:
            idle.add(kind)
            continue
        parts += [_escaped(text[at : found.start()]), shown]
        at = start
    parts.append(_escaped(text[at:]))
    return "".join(parts)


def _inline_html(found: re.Match[str], workspace: Workspace, verbatim: bool) -> str:
    kind = str(found.lastgroup)
    inner = found[kind]
    if kind == "code":
        return f"<code>{_code(inner, workspace)}</code>"
    if kind == "token":
        return _token(inner, workspace)
    if kind == "url":
        return _escaped(inner) if verbatim else link(_unescaped(inner), _escaped(inner))
    return EMOJI.get(inner, escape(found[0]))


def _token(token: str, workspace: Workspace) -> str:
    """What stands between angle brackets: a mention, a date or a link."""
    target, bar, label = token.partition("|")
    if target.startswith(("@", "#")):
        return mention(target[0], target[1:], workspace, _unescaped(label))
    if target.startswith("!subteam^"):
        return mention("^", target.removeprefix("!subteam^"), workspace, _unescaped(label))
    if target.startswith("!date^"):
        epoch, form, url, *_ = [*target.split("^")[1:], "", "", ""]
        return date(epoch, _unescaped(form), _unescaped(label), _unescaped(url))
    if target.startswith("!"):
        if target[1:] in _BROADCASTS:
            return mention("!", target[1:], workspace)
        return _escaped(label or f"<{token}>")
    if is_safe(target):
        shown = label if bar and label else target.removeprefix("mailto:").removeprefix("tel:")
        return link(_unescaped(target), inline(shown, workspace, verbatim=True))
    return _escaped(f"<{token}>")


def _code(text: str, workspace: Workspace) -> str:
    """Code: nothing is formatted, but what Slack writes in angle brackets is read."""

    def shown(found: re.Match[str]) -> str:
        target, _, label = found[1].partition("|")
        if target.startswith(("@", "#")):
            return mention_text(target[0], target[1:], workspace, label)
        return label or target if is_safe(target) else found[0]

    return _escaped(re.sub(r"<([^<>\n]+)>", shown, text))


def _unescaped(text: str) -> str:
    """mrkdwn's three escapes undone, each once."""
    return text.replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&")


def _escaped(text: str) -> str:
    """Text of mrkdwn (with its three escapes) as text of HTML."""
    return escape(_unescaped(text))
