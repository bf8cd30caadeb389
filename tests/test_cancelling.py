"""Tasks end although a cancellation is lost."""

import asyncio

import pytest

from bot import cancelling


async def test_a_task_that_lost_its_cancellation_is_cancelled_again(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(cancelling, "CANCEL_AGAIN", cancelling.CANCEL_AGAIN / 100)
    lost = 0

    async def forgetful() -> None:
        nonlocal lost
        try:
            await asyncio.sleep(3600)
        except asyncio.CancelledError:
            lost += 1
        await asyncio.sleep(3600)

    task = asyncio.create_task(forgetful())
    await asyncio.sleep(0)
    async with asyncio.timeout(20):
        await cancelling.end([task])
    assert lost == 1
    assert task.cancelled()
