"""What is secret, or looks so, does not leave."""

import json
import random
import string
from urllib.parse import quote

import pytest

from bot.config.dotenv import parse
from bot.config.redact import Redactor, is_secret_name, secrets_in

FORMS = {
    "DB_PASSWORD=hunter22 and more": "DB_PASSWORD=***",
    "export API_KEY='a b'": "export API_KEY=***",
    "INFO user=alice password=hunter22 from 10.0.0.1": "INFO user=alice password=*** from 10.0.0.1",
    '{"token": "a\\"b", "n": 1}': '{"token": ***, "n": 1}',
    "{'secretKey': 'abc', 'n': 1}": "{'secretKey': ***, 'n': 1}",
    "password: 'cut in the midd": "password: ***",
    "psql --password hunter22 --host db": "psql --password *** --host db",
    "run --db-token=hunter22 x": "run --db-token=*** x",
    "SENTRY_DSN=https://abc@sentry/1": "SENTRY_DSN=***",
    "DB_PASS=hunter22": "DB_PASS=***",
    "PGPASSWORD=hunter22 psql -c x": "PGPASSWORD=***",
    "env PGPASSWORD='a b' psql": "env PGPASSWORD=*** psql",
    "alter role app password 'hunter ''2'' x';": "alter role app password ***;",
    "CREATE ROLE app PASSWORD E'a\\'b' VALID": "CREATE ROLE app PASSWORD *** VALID",
    "ALTER USER app WITH PASSWORD $x$hunter22$x$;": "ALTER USER app WITH PASSWORD ***;",
    'alter role app password "hunter22" login': "alter role app password *** login",
    "alter role app password 'cut in the midd": "alter role app password ***",
    "create user app identified by 'hunter22';": "create user app identified by ***;",
    "create user app identified by hunter22;": "create user app identified by ***;",
    "alter user app identified with sha2 as 'a b'": "alter user app identified with sha2 as ***",
    "postgresql://app:p@ss/w%2F@db:5432/x?a=b": "postgresql://app:***@db:5432/x?a=b",
    "redis://:hunter22@cache/0": "redis://:***@cache/0",
    "Authorization: Basic aHVudGVyMjI=": "Authorization: ***",
    "calling with Bearer abc.def-123_x==": "calling with Bearer ***",
    "Set-Cookie: sessionid=abc; Path=/": "Set-Cookie: ***",
    "xoxb-12-34-abcDEF xoxe.xoxp-1-a xapp-1-A-b": "*** *** ***",
    "-----BEGIN EC PRIVATE KEY-----\nMHcC\n-----END EC PRIVATE KEY-----\nx": "***\nx",
    "-----BEGIN PRIVATE KEY-----\ncut": "***",
}

HARMLESS = [
    "https://shop.example:8443/pay?id=3",
    "postgres://postgres@localhost/shop",
    "duplicate key value violates unique constraint: Key (id)=(5) already exists.",
    'FATAL:  password authentication failed for user "shop"',
    "the row is identified as it was before",
    "alter role shop password null",
    "monkeys and keyboard=qwerty",
    "alice@shop.example wrote to bob@shop.example",
    "-----BEGIN CERTIFICATE-----",
    "2026-11-22 09:00:01 ERROR web: 3 tokens",
]


@pytest.mark.parametrize(("text", "expected"), FORMS.items())
def test_what_looks_like_a_secret_is_hidden(text: str, expected: str) -> None:
    assert Redactor(()).redact(text) == expected


@pytest.mark.parametrize("text", HARMLESS)
def test_other_text_stays(text: str) -> None:
    assert Redactor(()).redact(text) == text


def test_known_values_are_hidden_wherever_they_stand() -> None:
    redactor = Redactor(["hunter22", "hunter", "abc", "", "postgres://u:c0rrect%40h@db/x"])
    assert redactor.redact("Xhunter22X hunter abc") == "X***X *** abc"
    assert redactor.redact("c0rrect%40h c0rrect@h") == "*** ***"


def test_a_known_value_is_found_as_urls_and_json_write_it() -> None:
    secret = 'a/b "c"\nd&e'
    redactor = Redactor([secret])
    for text in (secret, quote(secret, safe=""), json.dumps([secret]), f"{{{secret}}}"):
        assert "b" not in redactor.redact(text)


@pytest.mark.parametrize("seed", range(200))
def test_random_secrets_never_survive_in_random_texts(seed: int) -> None:
    chance = random.Random(seed)  # noqa: S311
    signs = string.ascii_letters + string.digits + string.punctuation
    secret = "".join(chance.choices(signs, k=chance.randint(8, 40)))
    around = [
        "".join(chance.choices(signs + " \n", k=chance.randint(0, 60)))
        for _ in range(chance.randint(2, 5))
    ]
    text = secret.join(around)
    redactor = Redactor([secret])
    once = redactor.redact(text)
    assert secret not in once
    assert redactor.redact(once) == once


@pytest.mark.parametrize(
    "name", ["DB_PASSWORD", "apiKey", "SECRET_KEY", "GITHUB_TOKEN", "SMTP_PASS"]
)
def test_names_that_smell(name: str) -> None:
    assert is_secret_name(name)


@pytest.mark.parametrize("name", ["DB_HOST", "KEYBOARD", "COMPASS", "DEBUG", "PASSENGERS"])
def test_names_that_do_not(name: str) -> None:
    assert not is_secret_name(name)


ENV_FILE = """\
# a comment PASSWORD=not-one
DEBUG=False
export SECRET_KEY='django $insecure #1'   # a comment
DB_PASSWORD=hunter22 # a comment
DB_HOST=db
DATABASE_URL=postgres://shop:${DB_PASSWORD}-x@${DB_HOST:-other}/shop
CACHE_URL="redis://:c0rrect@cache/0"
SIGNING_KEY="-----BEGIN\\n two
lines"
API_TOKEN: yaml-style
EMPTY_TOKEN=
not a line
  INDENTED_SECRET = spaced value
PRICE_KEY=a$$b
"""


def test_environment_files_are_read_as_compose_reads_them() -> None:
    assert parse(ENV_FILE) == {
        "DEBUG": "False",
        "SECRET_KEY": "django $insecure #1",
        "DB_PASSWORD": "hunter22",
        "DB_HOST": "db",
        "DATABASE_URL": "postgres://shop:hunter22-x@db/shop",
        "CACHE_URL": "redis://:c0rrect@cache/0",
        "SIGNING_KEY": "-----BEGIN\n two\nlines",
        "API_TOKEN": "yaml-style",
        "EMPTY_TOKEN": "",
        "INDENTED_SECRET": "spaced value",
        "PRICE_KEY": "a$b",
    }


def test_the_secrets_of_an_environment_file_are_known() -> None:
    redactor = Redactor(secrets_in(parse(ENV_FILE)))
    for secret in ("django $insecure #1", "hunter22-x", "c0rrect", "yaml-style", "spaced value"):
        assert redactor.redact(f"<{secret}>") == "<***>"
    assert redactor.redact("False on db") == "False on db"
    assert "c0rrect" in secrets_in(parse(ENV_FILE))


def test_a_line_of_a_secret_of_several_lines_is_hidden() -> None:
    key = "-----BEGIN KEY-----\nMIIabcdef123\nxyzzy+/plugh==\n-----END KEY-----"
    assert "MIIabcdef123" not in Redactor([key]).redact("it read MIIabcdef123 and stopped")
