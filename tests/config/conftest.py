"""Writing configurations and reading what is wrong with them."""

from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from bot.config import ConfigurationError, Settings, load

Load = Callable[..., Settings]
Problems = Callable[..., str]


@pytest.fixture
def loaded(tmp_path: Path) -> Load:
    """Load a text as opsbell.yaml, from a directory of its own."""

    def run(text: str, environ: Mapping[str, str] | None = None) -> Settings:
        path = tmp_path / "opsbell.yaml"
        path.write_text(text, encoding="utf-8")
        return load(path, environ or {})

    return run


@pytest.fixture
def problems(tmp_path: Path, loaded: Load) -> Problems:
    """The message about a wrong configuration, with the file's bare name."""

    def run(text: str, environ: Mapping[str, str] | None = None) -> str:
        with pytest.raises(ConfigurationError) as raised:
            loaded(text, environ)
        return str(raised.value).replace(f"{tmp_path}/", "")

    return run
