"""Reads environment files as Compose reads them."""

import re

_LINE = re.compile(
    r"""^[ \t]*(?:export[ \t]+)?(?P<name>[A-Za-z_][\w.-]*)[ \t]*(?:=|:[ \t])[ \t]*
    (?: "(?P<double>(?:[^"\\]|\\.)*)" | '(?P<single>(?:[^'\\]|\\.)*)' | (?P<plain>[^\r\n]*) )""",
    re.MULTILINE | re.VERBOSE,
)
_COMMENT = re.compile(r"(?:^|[ \t])#.*$")
_REFERENCE = re.compile(
    r"\$\$|\$(?:\{(?P<braced>\w+)(?::?-(?P<default>[^}]*))?[^}]*\}|(?P<bare>[A-Za-z_]\w*))"
)
_ESCAPES = {"n": "\n", "r": "\r", "t": "\t"}


def parse(text: str, *, references: bool = True) -> dict[str, str]:
    """Name → value. Understood are ``export``, comments, single quotes (literal), double quotes
    (escapes, several lines) and references to names defined before; other lines are skipped.
    Without `references` a `$` is a sign like others, as for programs that read such files alone."""
    values: dict[str, str] = {}
    resolved = _interpolated if references else lambda text, values: text
    for match in _LINE.finditer(text):
        if match["single"] is not None:
            value = match["single"].replace("\\'", "'")
        elif match["double"] is not None:
            value = resolved(_unescaped(match["double"]), values)
        else:
            value = resolved(_COMMENT.sub("", match["plain"]).strip(), values)
        values[match["name"]] = value
    return values


def _unescaped(text: str) -> str:
    return re.sub(r"\\(.)", lambda m: _ESCAPES.get(m[1], m[1]), text, flags=re.DOTALL)


def _interpolated(text: str, values: dict[str, str]) -> str:
    def replace(match: re.Match[str]) -> str:
        if match[0] == "$$":
            return "$"
        name = match["braced"] or match["bare"]
        return values.get(name) or match["default"] or ""

    return _REFERENCE.sub(replace, text)
