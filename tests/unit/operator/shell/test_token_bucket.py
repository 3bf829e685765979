"""A rate limit whose callers take turns."""

import asyncio

import pytest

from llmtrain_operator.shell.token_bucket import TokenBucket


class Clock:
    """A clock that the test sets."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


async def test_a_burst_does_not_wait(clock: Clock) -> None:
    bucket = TokenBucket(10, 3, clock)
    for _ in range(3):
        await bucket.take("a")
    assert bucket.tokens == 0


async def test_a_flow_with_one_call_does_not_wait_for_a_flow_with_many(clock: Clock) -> None:
    bucket, order = TokenBucket(1, 1, clock), []

    async def call(flow: str) -> None:
        await bucket.take(flow)
        order.append(flow)

    await bucket.take("first")
    calls = [asyncio.create_task(call(flow)) for flow in ("many", "many", "many", "few")]
    await asyncio.sleep(0)
    for _ in calls:
        clock.now += 1
        bucket.grant()
        await asyncio.sleep(0)
    await asyncio.gather(*calls)
    assert order == ["many", "few", "many", "many"]
    assert bucket.timer is None


async def test_a_caller_that_was_cancelled_uses_no_token(clock: Clock) -> None:
    bucket = TokenBucket(1, 1, clock)
    await bucket.take("a")
    gone = asyncio.create_task(bucket.take("a"))
    await asyncio.sleep(0)
    gone.cancel()
    await asyncio.gather(gone, return_exceptions=True)
    clock.now += 1
    bucket.grant()
    assert bucket.tokens == 1
    assert not bucket.flows
