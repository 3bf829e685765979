"""Who is taken for dead."""

from llmtrain_api.protocol import LEASE_SECONDS
from llmtrain_coordinator.leases import Leases


def test_a_process_that_speaks_lives() -> None:
    leases = Leases()
    for now in (LEASE_SECONDS * tenths / 10 for tenths in range(0, 30, 4)):
        leases.renew("a0", now)
        assert leases.silent(["a0"], now) == frozenset()


def test_a_process_silent_for_a_lease_is_dead() -> None:
    leases = Leases()
    leases.renew("a0", 0)
    assert leases.silent(["a0"], 0.5 * LEASE_SECONDS) == frozenset()
    assert leases.silent(["a0"], 0.95 * LEASE_SECONDS) == frozenset()
    assert leases.silent(["a0"], 1 * LEASE_SECONDS) == {"a0"}


def test_nobody_is_dead_because_the_coordinator_stood_still() -> None:
    leases = Leases()
    leases.renew("a0", 0)
    assert leases.silent(["a0"], 0.1 * LEASE_SECONDS) == frozenset()
    assert leases.silent(["a0"], 6 * LEASE_SECONDS) == frozenset()
    assert leases.silent(["a0"], 6.5 * LEASE_SECONDS) == frozenset()
    assert leases.silent(["a0"], 7 * LEASE_SECONDS) == {"a0"}


def test_whoever_has_no_seat_is_forgotten() -> None:
    leases = Leases()
    leases.renew("a0", 0)
    assert leases.silent([], 2 * LEASE_SECONDS) == frozenset()
