"""What people type, made readable: Slack's escapes, phones' typography, words and targets."""

from __future__ import annotations

import difflib
import html
import re
from collections.abc import Iterable, Sequence
from typing import Any

from bot.config.base import OWN
from bot.config.settings import Settings
from bot.errors import UsageError
from bot.words import join

_TOKEN = re.compile(r"<([^<>|]+)(?:\|([^<>]*))?>")
_QUOTES = str.maketrans("“”„‟«»‘’‚‛", '""""""' + "''''")
_BEFORE_QUOTE = re.compile(r"[A-Za-z0-9_-]+=(?=[\"'])")
# Phones turn "--" into a dash. Only before a word is it an option; elsewhere it is punctuation.
_OPTION_DASH = re.compile(r"(?<!\S)[—–](?=\w)")
# Control characters but for tab and line breaks, and halves of surrogate pairs: nobody means
# them, and PostgreSQL keeps neither a NUL nor half a pair.
_UNPRINTABLE = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\ud800-\udfff]")


def clean(text: str) -> str:
    """Text as it was meant: escapes undone, mentions as bare IDs, dashes and quotes straight.

    Slack writes `<@U1|ann>`, `<#C1|ops>`, `<!subteam^S1|@ops>` and `<https://x|x>` for what a
    person typed as a name or an address, and escapes the person's own `<`, `>` and `&`; so
    whatever stands in angle brackets is Slack's.
    """
    plain = html.unescape(_TOKEN.sub(_bare, text))
    return _OPTION_DASH.sub("--", plain.translate(_QUOTES)).strip()


def printable(value: Any) -> Any:
    """A JSON value whose texts hold nothing but what can be read and kept."""
    if isinstance(value, str):
        return _UNPRINTABLE.sub("", value)
    if isinstance(value, dict):
        return {printable(name): printable(each) for name, each in value.items()}
    if isinstance(value, list):
        return [printable(each) for each in value]
    return value


def _bare(match: re.Match[str]) -> str:
    inner = match[1]
    if inner.startswith(("@", "#")):
        return inner[1:]
    if inner.startswith("!subteam^"):
        return inner.removeprefix("!subteam^")
    if inner.startswith("!"):
        return f"@{inner[1:]}"
    return inner.removeprefix("mailto:").removeprefix("tel:")


def split(text: str) -> list[str]:
    """The words of a text; what stands in quotes is one word.

    A quote opens only where a word begins, or behind `NAME=`, and closes only where one ends, so
    `can't` needs no care; nothing else is special. Raises UsageError for a `"` that is not closed.
    """
    words: list[str] = []
    rest = text.strip()
    while rest:
        word, rest = _next_word(rest)
        words.append(word)
    return words


def joined(words: Iterable[str]) -> str:
    """The text that `split` makes these words of. Raises UsageError for a word that no quotes fit
    around."""
    return " ".join(map(_quoted, words))


def _quoted(word: str) -> str:
    if word and word[0] not in "\"'" and not re.search(r"\s|=[\"']", word):
        return word
    for quote in "\"'":
        if quote not in word:
            return f"{quote}{word}{quote}"
    raise UsageError(f"{_short(word)} has both kinds of quotes in it.")


# An apostrophe stands within words; the other kind does not, and punctuation may follow it.
_CLOSING = {"'": re.compile(r"'(?!\S)"), '"': re.compile(r'"(?=[,.;:!?)]*(?:\s|$))')}


def _next_word(text: str) -> tuple[str, str]:
    if name := _BEFORE_QUOTE.match(text):
        word, rest = _next_word(text[name.end() :])
        return name[0] + word, rest
    quote = text[0]
    if quote in "\"'":
        if closed := _CLOSING[quote].search(text, 1):
            return text[1 : closed.start()], text[closed.end() :].lstrip()
        if quote == '"':
            raise UsageError(f'The quote before "{_short(text[1:])}" is not closed.')
    word, *after_space = text.split(None, 1)
    return word, after_space[0] if after_space else ""


def _short(text: str) -> str:
    return text if len(text) <= 20 else f"{text[:20]}…"


def resolve_target(
    settings: Settings, words: Sequence[str], *channel: str, with_own: bool = False
) -> tuple[str, list[str]]:
    """The target a command is for, and the words without `in:NAME`.

    It is the one that is named, else the one that the channel (its ID and name) is bound to,
    else the only one there is. Opsbell itself, where it is backed up, is a target only for what
    is asked `with_own`. Raises UsageError where that leaves none or several.
    """
    known = sorted(name for name in settings.targets if with_own or name != OWN)
    named = [word[3:] for word in words if word.startswith("in:")]
    rest = [word for word in words if not word.startswith("in:")]
    if len(set(named)) > 1:
        raise UsageError(f"One target at a time: you named {join(named)}.")
    if named and named[0] == OWN and OWN in settings.targets and not with_own:
        raise UsageError(
            "Opsbell itself can only be backed up.",
            hint="It is restored while it is stopped: RESTORE.md in its backups has the commands.",
        )
    if named and named[0] not in known:
        hint = nearest(named[0], known) or f"There is {join(known) or 'none'}."
        raise UsageError(f'There is no target "{_short(named[0])}".', hint=hint)
    target = named[0] if named else settings.target_of_channel(*channel) or settings.only_target()
    if target is None or target not in known:
        choices = join([f"in:{name}" for name in known], "or")
        hint = f"Add {choices}." if known else "The configuration names none."
        raise UsageError("It is not clear which target is meant.", hint=hint)
    return target, rest


def nearest(word: str, known: Iterable[str]) -> str:
    """`Did you mean now?` where one of the known words resembles this one, else nothing."""
    match = difflib.get_close_matches(word.lower(), list(known), n=1)
    return f"Did you mean {match[0]}?" if match else ""
