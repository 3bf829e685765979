"""A lease expires when its process has been silent, but not when the coordinator itself was paused."""

from llmtrain_api.protocol import LEASE_SECONDS, lease_seconds
from llmtrain_coordinator.leases import Leases


def test_a_renewed_lease_does_not_expire() -> None:
    leases = Leases()
    for now in (LEASE_SECONDS * tenths / 10 for tenths in range(0, 30, 4)):
        leases.renew("a0", now)
        assert leases.expired(["a0"], now) == frozenset()


def test_a_lease_that_is_not_renewed_expires() -> None:
    leases = Leases()
    leases.renew("a0", 0)
    assert leases.expired(["a0"], 0.5 * LEASE_SECONDS) == frozenset()
    assert leases.expired(["a0"], 0.95 * LEASE_SECONDS) == frozenset()
    assert leases.expired(["a0"], 1 * LEASE_SECONDS) == {"a0"}


def test_leases_are_longer_in_a_group_whose_heartbeats_are_held_for_longer() -> None:
    leases, members = Leases(), [f"a{rank}" for rank in range(1024)]
    for member in members:
        leases.renew(member, 0)
    assert leases.expired(members, 0.5 * LEASE_SECONDS) == frozenset()
    assert leases.expired(members, 1 * LEASE_SECONDS) == frozenset()
    assert leases.expired(members, 1.5 * LEASE_SECONDS) == frozenset()
    assert leases.expired(members, lease_seconds(1024)) == frozenset(members)


def test_no_lease_expires_while_the_coordinator_is_paused() -> None:
    leases = Leases()
    leases.renew("a0", 0)
    assert leases.expired(["a0"], 0.1 * LEASE_SECONDS) == frozenset()
    assert leases.expired(["a0"], 6 * LEASE_SECONDS) == frozenset()
    assert leases.expired(["a0"], 6.5 * LEASE_SECONDS) == frozenset()
    assert leases.expired(["a0"], 7 * LEASE_SECONDS) == {"a0"}


def test_the_lease_of_a_process_that_is_no_member_is_forgotten() -> None:
    leases = Leases()
    leases.renew("a0", 0)
    assert leases.expired([], 2 * LEASE_SECONDS) == frozenset()
