"""How the program ends."""

import asyncio

import pytest

from bot import cli


def test_a_task_that_fails_when_all_has_ended_is_one_line(caplog: pytest.LogCaptureFixture) -> None:
    async def late() -> None:
        try:
            await asyncio.sleep(60)
        except asyncio.CancelledError:
            raise ConnectionError from None

    async def main() -> None:
        asyncio.get_running_loop().set_exception_handler(cli._one_line_at_the_end)
        task = asyncio.create_task(late())
        await asyncio.sleep(0)
        assert not task.done()

    asyncio.run(main())
    # A collected leftover of another test may be logged at any time.
    [record] = [each for each in caplog.records if each.name == "opsbell"]
    assert (record.levelname, record.exc_info) == ("WARNING", None)
    assert vars(record)["error"] == "ConnectionError()"
