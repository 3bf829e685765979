"""Who is taken for dead."""

from llmtrain_coordinator.lease import Leases


def test_a_process_that_speaks_lives() -> None:
    leases = Leases()
    for now in range(0, 30, 4):
        leases.renew("a0", now)
        assert leases.silent(["a0"], now) == frozenset()


def test_a_process_silent_for_a_lease_is_dead() -> None:
    leases = Leases()
    leases.renew("a0", 0)
    assert leases.silent(["a0"], 5) == frozenset()
    assert leases.silent(["a0"], 9.5) == frozenset()
    assert leases.silent(["a0"], 10) == {"a0"}


def test_nobody_is_dead_because_the_coordinator_stood_still() -> None:
    leases = Leases()
    leases.renew("a0", 0)
    assert leases.silent(["a0"], 1) == frozenset()
    assert leases.silent(["a0"], 60) == frozenset()
    assert leases.silent(["a0"], 65) == frozenset()
    assert leases.silent(["a0"], 70) == {"a0"}


def test_whoever_has_no_seat_is_forgotten() -> None:
    leases = Leases()
    leases.renew("a0", 0)
    assert leases.silent([], 20) == frozenset()
