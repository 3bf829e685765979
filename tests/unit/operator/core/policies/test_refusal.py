"""Which refusals matter to a plan, and what they hold up."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from llmtrain_operator.core.manifest import ObjectKey
from llmtrain_operator.core.plan import ObjectReference
from llmtrain_operator.core.policies.refusal import (
    MAX_RETRY_AFTER,
    api_failure,
    api_rejection,
    applied_now,
    creations_first,
    deleted_now,
    is_due,
    outstanding_refusals,
    refusal_conditions,
)
from llmtrain_operator.core.snapshot import Refusal, Verb
from unit.operator.builders import job


def obj(kind: str, name: str, **metadata: str) -> dict[str, Any]:
    return {"kind": kind, "metadata": {"name": name, **metadata}}


def reference(name: str) -> ObjectReference:
    return ObjectReference(api_version="v1", kind="Pod", namespace="ns", name=name)


def refused(name: str, verb: Verb = "create", seconds: float | None = 5) -> Refusal:
    """Return the refusal of a request for a pod, which is made again after `seconds`."""
    retry_after = None if seconds is None else timedelta(seconds=seconds)
    return replace(api_rejection(("Pod", name), f"no {name}", verb), retry_after=retry_after)


RUN, WORKER = obj("ConfigMap", "j-run"), obj("Pod", "j-worker-0")
CHANGED = obj("Pod", "j-worker-1", uid="u")
LAST = refused("j-worker-0")


@pytest.mark.parametrize(
    ("last", "delete", "taken", "expected"),
    [
        pytest.param((), (), (), [], id="nothing was refused"),
        pytest.param((LAST,), (), (), [LAST.key], id="the refused object is still needed"),
        pytest.param((refused("x"),), (), (), [], id="the refused object is not needed"),
        pytest.param((refused("x", "delete"),), ("x",), (), [("Pod", "x")], id="a deletion was refused"),
        pytest.param((refused("j-worker-1", "change"),), (), (), [("Pod", "j-worker-1")], id="a change was refused"),
        pytest.param((refused("j-worker-1"),), (), (), [], id="the object that was refused exists now"),
        pytest.param((LAST,), (), (RUN,), [("ConfigMap", "j-run"), LAST.key], id="the first name is taken"),
        pytest.param((), (), (WORKER,), [("Pod", "j-worker-0")], id="a later name is taken"),
        pytest.param(
            (refused("j-worker-1", "change"), refused("x", "delete"), LAST),
            ("x",),
            (),
            [("Pod", "j-worker-0"), ("Pod", "x"), ("Pod", "j-worker-1")],
            id="creations count first, then deletions",
        ),
    ],
)
def test_what_the_job_still_needs_counts_in_the_order_of_the_plan(
    last: tuple[Refusal, ...], delete: tuple[str, ...], taken: tuple[dict, ...], expected: list[ObjectKey]
) -> None:
    known = {(each["kind"], each["metadata"]["name"]): each for each in taken}
    references = tuple(reference(name) for name in delete)
    found = outstanding_refusals(job(), (RUN, WORKER, CHANGED), references, last=last, taken=known)
    assert [refusal.key for refusal in found] == expected


def test_changes_come_after_creations_in_their_order() -> None:
    assert creations_first((CHANGED, RUN, WORKER)) == (RUN, WORKER, CHANGED)


@pytest.mark.parametrize(
    ("refusals", "expected"),
    [
        pytest.param((), [RUN, WORKER, CHANGED], id="nothing was refused"),
        pytest.param((LAST,), [RUN, CHANGED], id="what is created after it waits, changes do not"),
        pytest.param((refused("j-worker-0", seconds=0),), [RUN, WORKER, CHANGED], id="it is due"),
        pytest.param((refused("j-worker-0", seconds=None),), [RUN, CHANGED], id="it waits for an object to change"),
        pytest.param((refused("j-worker-1", "change"),), [RUN, WORKER], id="a change holds up only itself"),
        pytest.param((refused("x", "delete"),), [RUN, WORKER, CHANGED], id="a deletion holds up no creation"),
    ],
)
def test_what_is_applied_now(refusals: tuple[Refusal, ...], expected: list[dict[str, Any]]) -> None:
    assert list(applied_now(refusals, (RUN, WORKER, CHANGED))) == expected


def test_a_refused_deletion_holds_up_only_itself() -> None:
    both = (reference("a"), reference("b"))
    assert deleted_now((refused("a", "delete"),), both) == (reference("b"),)
    assert deleted_now((refused("a", "delete", 0),), both) == both
    assert deleted_now((refused("a", "create"),), both) == both


@pytest.mark.parametrize(
    ("retry_after", "expected"), [(timedelta(seconds=1), False), (timedelta(0), True), (None, False)]
)
def test_a_request_is_due_after_its_time(retry_after: timedelta | None, expected: bool) -> None:
    refusal = Refusal(key=LAST.key, reason=LAST.reason, message="", retry_after=retry_after)
    assert is_due(refusal) is expected


def test_the_condition_has_the_words_of_the_first_refusal_that_is_reported() -> None:
    assert refusal_conditions(()) == ()
    silent = replace(refused("a"), is_reported=False)
    assert refusal_conditions((silent,)) == ()
    (condition,) = refusal_conditions((silent, refused("b", "delete"), refused("c")))
    assert (condition.type, condition.status, condition.reason) == ("Scheduled", False, "APIRejected")
    assert "Pod b of this job: no b" in condition.message
    assert "(1 more requests are refused)" in condition.message


def test_a_failure_of_the_server_is_no_rejection_and_bounds_its_retry_after() -> None:
    found = api_failure(LAST.key, "failed calling webhook", retry_after=10.0**9)
    assert (found.is_transient, found.retry_after) == (True, timedelta(seconds=MAX_RETRY_AFTER))
    assert "failed calling webhook" in found.message
    assert not LAST.is_transient
