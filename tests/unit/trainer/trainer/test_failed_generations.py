"""The same ranks try a few times to exchange something, with pauses, and fail with the first cause."""

from llmtrain_api.protocol import Member, Membership
from llmtrain_trainer.trainer.failed_generations import FailedGenerations


def membership(*incarnations: str) -> Membership:
    members = [
        Member(worker=number, local_rank=0, incarnation=name, address="127.0.0.1", store_port=1)
        for number, name in enumerate(incarnations)
    ]
    return Membership(generation=1, members=members)


def test_the_same_ranks_give_up_with_the_first_cause() -> None:
    failed, pauses = FailedGenerations(), []
    for cause in ("Duplicate GPU", "a collective failed", "timed out"):
        assert not failed.is_exhausted
        failed = failed.after_failure(membership("a", "b"), cause)
        pauses.append(failed.pause_seconds)
    assert failed.is_exhausted
    assert (failed.cause, pauses) == ("Duplicate GPU", [0.0, 0.5, 1.0])


def test_a_lost_member_starts_the_count_again() -> None:
    failed = (
        FailedGenerations().after_failure(membership("a", "b"), "first").after_failure(membership("a", "c"), "other")
    )
    assert (failed.count, failed.cause, failed.pause_seconds) == (1, "other", 0.0)
