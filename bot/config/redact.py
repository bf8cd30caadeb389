"""Takes secrets out of texts before they leave: command output, logs, messages.

What is known to be secret is replaced wherever it stands; what only looks like a secret is found
by its form. Where the form is in doubt, more is hidden rather than less.
"""

import json
import re
from collections.abc import Iterable
from urllib.parse import quote, unquote

from bot.config.secret import HIDDEN

_SHORTEST = 4
_SHORTEST_LINE = 8
_SMELL = (
    r"PASSW(?:OR)?D|PWD|PASSPHRASE|TOKEN|SECRET|CREDENTIALS?|DSN"
    r"|(?:KEYS?|(?<=_)PASS|(?<=_)AUTH)(?![A-Za-z0-9])"
)
_SECRET_NAME = re.compile(_SMELL, re.IGNORECASE)
_REST = rf"(?:{_SMELL})[A-Za-z0-9_.-]{{0,64}}"
_NAME = rf"[A-Za-z0-9_.-]{{0,64}}?{_REST}"
_VALUE = r"""(?:"(?:[^"\\\r\n]|\\.)*"?|'(?:[^'\\\r\n]|\\.)*'?|[^\s"'&;]+)"""
# A string of SQL, in dollar quotes too; one that was cut ends with its line.
_SQL_STRING = (
    r"(?:E?'(?:[^'\\\r\n]|\\[^\r\n]|'')*'?"
    r'|"[^"\r\n]*"?'
    r"|\$(?P<tag>\w*)\$.*?(?:\$(?P=tag)\$|(?=[\r\n])|\Z))"
)

_URL_PASSWORD = re.compile(
    r"([A-Za-z][A-Za-z0-9+.-]{0,31}://[^\s:/@\"'<>]{0,256}:)[^\s\"'<>]{1,512}@"
)
_FORMS: tuple[tuple[re.Pattern[str], str], ...] = (
    (
        re.compile(
            r"-----BEGIN ([A-Z ]{0,32})PRIVATE KEY-----.*?(?:-----END \1PRIVATE KEY-----|\Z)",
            re.DOTALL,
        ),
        HIDDEN,
    ),
    (re.compile(r"\bxox[a-z](?:\.xox[a-z])?-[A-Za-z0-9-]+|\bxapp-[A-Za-z0-9-]+"), HIDDEN),
    (
        re.compile(
            r"((?:authorization|(?:set-)?cookie)[\"']?[ \t]*[:=][ \t]*)[^\r\n]+", re.IGNORECASE
        ),
        rf"\1{HIDDEN}",
    ),
    (re.compile(r"\b(bearer)\s+[A-Za-z0-9._~+/-]{8,}=*", re.IGNORECASE), rf"\1 {HIDDEN}"),
    (_URL_PASSWORD, rf"\1{HIDDEN}@"),
    (
        re.compile(rf"^([ \t]*(?:export[ \t]+)?{_NAME}=)[^\r\n]+", re.IGNORECASE | re.MULTILINE),
        rf"\1{HIDDEN}",
    ),
    (re.compile(rf"(--{_NAME}[= \t][ \t]*){_VALUE}", re.IGNORECASE), rf"\1{HIDDEN}"),
    (re.compile(rf"(\bPASSWORD\s+){_SQL_STRING}", re.IGNORECASE), rf"\1{HIDDEN}"),
    (
        re.compile(
            rf"(\bIDENTIFIED(?:\s+WITH\s+\S+)?\s+)(BY\s+|AS\s+(?=['\"]))(?:{_SQL_STRING}|[^\s;]+)",
            re.IGNORECASE,
        ),
        rf"\1\2{HIDDEN}",
    ),
    (re.compile(rf"({_REST}[\"']?[ \t]*[:=][ \t]*){_VALUE}", re.IGNORECASE), rf"\1{HIDDEN}"),
)


def is_secret_name(name: str) -> bool:
    """Whether a value under this name (DB_PASSWORD, apiKey, SENTRY_DSN) is taken for a secret."""
    return bool(_SECRET_NAME.search(name))


class Redactor:
    """Replaces the `known` secrets, and what looks like one, by ``***``.

    Known values of three characters or fewer are left alone: they would be found everywhere. A
    known URL's password is known too, and each known value as URLs and JSON write it.
    """

    def __init__(self, known: Iterable[str]) -> None:
        values = {form for value in known for form in _forms(value) if len(form) >= _SHORTEST}
        longest_first = sorted(values, key=len, reverse=True)
        alternatives = "|".join(map(re.escape, longest_first))
        self._known = re.compile(alternatives) if alternatives else None

    def redact(self, text: str) -> str:
        """`text` without its secrets. Give whole lines: half a secret is not recognised."""
        if self._known:
            text = self._known.sub(HIDDEN, text)
        for pattern, replacement in _FORMS:
            text = pattern.sub(replacement, text)
        return text


def secrets_in(environment: dict[str, str]) -> list[str]:
    """The values of an environment that have to stay secret."""
    found = [value for name, value in environment.items() if is_secret_name(name)]
    return found + [password for value in environment.values() for password in _passwords(value)]


def _forms(value: str) -> set[str]:
    """How a secret may stand in a text: as it is, in a URL, in JSON; a URL's password likewise."""
    passwords = _passwords(value)
    plain = {value.strip(), *passwords, *map(unquote, passwords)}
    if "\n" in value.strip():
        # A key of several lines may be shown line by line.
        plain |= {line.strip() for line in value.splitlines() if len(line) >= _SHORTEST_LINE}
    return plain | {quote(text, safe="") for text in plain} | {json.dumps(t)[1:-1] for t in plain}


def _passwords(value: str) -> list[str]:
    """The password of the URL that a value is, as written there."""
    match = re.search(r"://[^\s:/@]*:(\S+)@", value)
    return [match[1]] if match else []
