"""A secret shows itself to `reveal` alone."""

import copy
import json
import pickle
import traceback

import pytest

from bot.config import ConfigurationError, Secret, Settings
from tests.config.conftest import Load, Problems

CANARY = "kestrel-93"

SECRETS = f"""\
database: postgresql://opsbell:{CANARY}@db/opsbell
http: {{token: {CANARY}, hooks: {{n8n: {{name: title, token: {CANARY}}}}}}}
targets:
  shop:
    runtime: compose
    directory: /srv/shop
    compose: {{project: shop}}
    database: {{service: db, user: u, name: n, password: {CANARY}}}
  host:
    runtime: host
    directory: /srv/host
    database: {{url: "postgresql://u:{CANARY}@127.0.0.1/n"}}
backups:
  shop:
    include: [database]
    store: {{restic: {{repository: "rest:https://u:{CANARY}@h/", password: {CANARY}}}}}
"""


def test_no_form_of_a_secret_shows_it() -> None:
    secret = Secret(CANARY)
    shown = [str(secret), repr(secret), f"{secret}", f"{secret:>9}", f"{secret!r}"]
    assert not any(CANARY in text for text in shown)
    assert secret.reveal() == CANARY
    assert not hasattr(secret, "__dict__")


def test_a_secret_is_a_value() -> None:
    secret = Secret(CANARY)
    assert secret == Secret(CANARY)
    assert secret != Secret("other")
    assert secret != CANARY
    assert hash(secret) == hash(Secret(CANARY))
    assert bool(secret) is True
    assert bool(Secret("")) is False
    assert copy.deepcopy(secret) == copy.copy(secret) == secret


def test_a_secret_does_not_leave_by_pickle_or_json() -> None:
    with pytest.raises(TypeError):
        pickle.dumps(Secret(CANARY))
    with pytest.raises(TypeError):
        json.dumps(Secret(CANARY))


def test_settings_hold_secrets_and_show_none(loaded: Load) -> None:
    settings = loaded(SECRETS)
    for text in (repr(settings), str(settings), settings.model_dump_json()):
        assert CANARY not in text
    assert CANARY not in repr(settings.model_dump())
    revealed = [secret.reveal() for secret in settings.secrets()]
    assert len(revealed) == SECRETS.count(CANARY) == 7
    assert all(CANARY in text for text in revealed)


@pytest.mark.parametrize(
    "text",
    [
        f"database: mysql://u:{CANARY}@h/d\n",
        f"database: {CANARY}\n",
        f"database: [{CANARY}]\n",
        f"http: {{token: [{CANARY}]}}\n",
        f"http: {{token: {{{CANARY}: a}}}}\n",
        f"http: {{tokens: {CANARY}}}\n",
        f"http: http://u:{CANARY}@host/\n",
        f"slack: {{mode: xoxb-1-{CANARY}}}\n",
        f"checks: {{password: {CANARY}}}\n",
        f"database: a\nx: postgresql://u:{CANARY}@h: b\n",
        f"targets: {{t: {{runtime: host, directory: d, database: 'postgresql://u:{CANARY}@h/d'}}}}\n",
        f"targets: {{t: {{runtime: host, directory: d, database: {{url: '{CANARY}'}}}}}}\n",
    ],
)
def test_no_message_shows_a_secret(problems: Problems, text: str) -> None:
    assert CANARY not in problems(text)


def test_not_even_the_errors_trace(loaded: Load) -> None:
    with pytest.raises(ConfigurationError) as raised:
        loaded(f"database: mysql://u:{CANARY}@h/d\nhttp: {{token: [{CANARY}]}}\n")
    trace = "".join(traceback.format_exception(raised.value))
    assert CANARY not in trace


def test_settings_refuse_change(loaded: Load) -> None:
    settings = loaded("timezone: UTC\n")
    with pytest.raises(ValueError, match="frozen"):
        settings.__setattr__("database", None)
    assert settings == Settings.model_validate(settings.model_copy())
