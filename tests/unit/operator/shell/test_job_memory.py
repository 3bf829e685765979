"""What is remembered of a job."""

from datetime import timedelta

from llmtrain_operator.core.policies.refusal import api_rejection
from llmtrain_operator.shell.job_memory import JobMemory
from unit.operator.builders import NOW, pod


def test_the_age_of_a_status_is_known_once_it_was_written() -> None:
    now = 5.0
    memory = JobMemory("u", lambda: now)
    assert memory.status_age is None
    memory.status_written_at = memory.clock()
    now = 8.0
    assert memory.status_age == timedelta(seconds=3)


def test_the_last_time_of_each_generation_is_remembered() -> None:
    memory = JobMemory("u")
    for number, second in ((0, 0), (1, 1), (1, 2), (2, 3)):
        memory.saw(number, NOW + timedelta(seconds=second))
    assert memory.generations_seen == {1: NOW + timedelta(seconds=2), 2: NOW + timedelta(seconds=3)}


def test_a_deletion_is_of_others_if_the_pod_was_seen_before_and_the_operator_does_not_delete_it() -> None:
    memory = JobMemory("u")
    names = ("j-worker-0", "j-worker-1", "j-worker-2")
    assert memory.deleted_by_others(pod(name) for name in names) == frozenset()
    memory.deleted.add("uid-of-j-worker-1")
    leaving = [pod(name, deleting=True) for name in (*names[:2], "j-worker-9")]
    assert memory.deleted_by_others([*leaving, pod("j-worker-2")]) == {"uid-of-j-worker-0"}
    assert memory.deleted_by_others([pod("j-worker-2")]) == frozenset()
    assert (memory.alive, memory.deleted) == ({"uid-of-j-worker-2"}, set()), "nothing is kept of pods that are gone"


def test_each_request_has_its_own_refusal_until_it_is_not_needed_any_more() -> None:
    memory = JobMemory("u", lambda: 100.0)
    create, delete = api_rejection(("Pod", "p"), "no"), api_rejection(("Pod", "p"), "no", "delete")
    for refusal in (create, delete, delete):
        memory.refused(refusal, frozenset())
    waits = [(refusal.verb, refusal.retry_after) for refusal in memory.pending_refusals(frozenset())]
    assert waits == [("create", timedelta(seconds=15)), ("delete", timedelta(seconds=30))]
    assert memory.keep_refusals({delete.request})
    assert not memory.keep_refusals({delete.request})
    assert [refusal.verb for refusal in memory.pending_refusals(frozenset())] == ["delete"]
