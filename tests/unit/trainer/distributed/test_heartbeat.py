"""Heartbeats run in the background: they notice a new generation, and tolerate an outage of the coordinator."""

from llmtrain_api.protocol import Member, Membership
from llmtrain_trainer.distributed.heartbeat import HeartbeatThread
from unit.trainer.fake_coordinator_client import TIMEOUT_SECONDS, FakeCoordinatorClient

ME = Member(worker=0, local_rank=0, incarnation="me", address="127.0.0.1", store_port=1)
MEMBERSHIP = Membership(generation=4, members=[ME])


def test_another_generation_is_noticed() -> None:
    coordinator = FakeCoordinatorClient(lambda number: 4 if number < 2 else 5, enough=3)
    with HeartbeatThread(coordinator, ME, MEMBERSHIP) as heartbeat:  # type: ignore[arg-type]
        assert coordinator.done.wait(TIMEOUT_SECONDS)
        assert heartbeat.changed


def test_an_outage_is_no_change() -> None:
    coordinator = FakeCoordinatorClient(lambda number: None, enough=2)
    with HeartbeatThread(coordinator, ME, MEMBERSHIP) as heartbeat:  # type: ignore[arg-type]
        assert coordinator.done.wait(TIMEOUT_SECONDS)
        assert not heartbeat.changed


def test_a_heartbeat_carries_the_newest_step() -> None:
    coordinator = FakeCoordinatorClient(lambda number: 4, enough=3)
    heartbeat = HeartbeatThread(coordinator, ME, MEMBERSHIP)  # type: ignore[arg-type]
    heartbeat.after_step(7, 0.5)
    with heartbeat:
        assert coordinator.done.wait(TIMEOUT_SECONDS)
    assert set(coordinator.steps) == {7}
