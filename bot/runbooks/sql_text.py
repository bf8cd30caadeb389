"""SQL with parameters as psql takes it: the text itself never holds what a person typed.

psql puts a variable's value into a statement as a quoted literal or name, and does so after it
has found out where literals, names and comments begin and end.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

_TOKEN = re.compile(
    r"""
    (?P<comment> --[^\n]* | /\*.*?(?:\*/|\Z) )
  | (?P<escaped> \b[eE]'(?:[^'\\]|\\.|'')*(?:'|\Z) )
  | (?P<literal> '(?:[^']|'')*(?:'|\Z) )
  | (?P<name> "(?:[^"]|"")*(?:"|\Z) )
  | (?P<dollar> (?<![\w$])\$(?P<tag>(?:[^\W\d]\w*)?)\$.*?(?:\$(?P=tag)\$|\Z) )
  | (?P<command> \\ )
    """,
    re.DOTALL | re.VERBOSE,
)
_ASKED = re.compile(r"\{\{|\}\}|\{([A-Za-z0-9_-]+)\}")


def psql_text(text: str, parameters: Mapping[str, str]) -> tuple[str, dict[str, str]]:
    """SQL in which `{name}` stands for a parameter, as psql's input and its variables.

    `{name}` and `'{name}'` become a literal, `"{name}"` a name of the database's. Raises ValueError
    for a placeholder elsewhere inside quotes or a comment, where psql would not fill it in, and for
    psql's own commands, some of which run programs.
    """
    variables = {f"opsbell_{i}": value for i, value in enumerate(parameters.values())}
    places = {name: f"opsbell_{i}" for i, name in enumerate(parameters)}
    parts: list[str] = []
    end = 0
    for token in _TOKEN.finditer(text):
        parts += [_filled(text[end : token.start()], places), _token(token, places)]
        end = token.end()
    parts.append(_filled(text[end:], places))
    return "".join(parts), variables


def _filled(text: str, places: Mapping[str, str]) -> str:
    return _ASKED.sub(lambda match: f":'{places[match[1]]}'" if match[1] else match[0][0], text)


def _token(token: re.Match[str], places: Mapping[str, str]) -> str:
    text = token[0]
    if token["command"]:
        raise ValueError("SQL alone: psql's own commands (\\) are not run")
    alone = _ASKED.fullmatch(text[1:-1])
    if alone and alone[1] and token["literal"]:
        return f":'{places[alone[1]]}'"
    if alone and alone[1] and token["name"]:
        return f':"{places[alone[1]]}"'
    if any(match[1] for match in _ASKED.finditer(text)):
        raise ValueError("a placeholder by itself, not inside a longer text in quotes or a comment")
    return _ASKED.sub(lambda match: match[0][0], text)
