"""How a deploy is configured."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from pydantic import ValidationError

from bot.config.deploys import Deploy
from bot.config.targets import HostTarget
from tests.config.conftest import Load, Problems

ADDED = """\
targets:
  shop:
    runtime: host
    directory: /srv/shop
    deploy: {add: {migrate: smoke}}
runbooks:
  smoke:
    title: Look at the pages
    steps: [{host: [echo, looked]}]
"""


def test_without_a_key_it_is_the_update_of_a_django_project() -> None:
    deploy = Deploy()
    assert (deploy.remote, deploy.ref, deploy.service) == ("origin", "main", "web")
    assert deploy.manage == ("python", "manage.py")
    assert deploy.watch == timedelta(minutes=10)
    assert not deploy.leave_out
    assert not deploy.zero_downtime


@pytest.mark.parametrize(
    "wrong",
    [
        {"remote": "--upload-pack=touch"},
        {"remote": "ext::sh -c touch"},
        {"leave_out": ["checkout"]},
        {"leave_out": ["switch"]},
        {"add": {"nowhere": "smoke-test"}},
        {"manage": []},
        {"errors": "("},
        {"keep": 0},
        {"watch": "soon"},
    ],
)
def test_what_makes_no_sense_is_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        Deploy.model_validate(wrong)


def test_nothing_may_be_watched() -> None:
    assert Deploy.model_validate({"watch": "0s"}).watch == timedelta()


def test_a_runbook_is_added_by_the_name_that_the_file_gives_it(
    loaded: Load, problems: Problems
) -> None:
    target = loaded(ADDED).targets["shop"]
    assert isinstance(target, HostTarget)
    assert target.deploy.add == {"migrate": "smoke"}
    told = problems(ADDED.replace("migrate: smoke", "migrate: smokes"))
    assert "opsbell.yaml:5: targets.shop.deploy.add" in told
    assert "expected smoke" in told
