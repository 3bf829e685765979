"""Which refusal matters to a plan."""

from datetime import timedelta

import pytest

from llmtrain_operator.core.plan import ObjectReference
from llmtrain_operator.core.policies.refusal import api_rejection, current_refusal, is_due, refusal_conditions
from llmtrain_operator.core.snapshot import Refusal
from unit.operator.builders import job

RUN = {"kind": "ConfigMap", "metadata": {"name": "j-run-uid-of-j"}}
WORKER = {"kind": "Pod", "metadata": {"name": "j-worker-0"}}
LAST = api_rejection(("Pod", "j-worker-0"), "no")


@pytest.mark.parametrize(
    ("last", "delete", "taken", "expected"),
    [
        pytest.param(None, (), (), None, id="nothing was refused"),
        pytest.param(LAST, (), (), LAST.key, id="the refused object is still needed"),
        pytest.param(api_rejection(("Pod", "x"), "no"), (), (), None, id="the refused object is not needed"),
        pytest.param(api_rejection(("Pod", "x"), "no"), ("x",), (), ("Pod", "x"), id="a deletion was refused"),
        pytest.param(LAST, (), (RUN,), ("ConfigMap", "j-run-uid-of-j"), id="the first name is taken"),
        pytest.param(None, (), (WORKER,), ("Pod", "j-worker-0"), id="a later name is taken"),
    ],
)
def test_the_first_obstacle_counts(
    last: Refusal | None, delete: tuple[str, ...], taken: tuple[dict, ...], expected: tuple[str, str] | None
) -> None:
    references = tuple(ObjectReference(api_version="v1", kind="Pod", namespace="ns", name=name) for name in delete)
    known = {(obj["kind"], obj["metadata"]["name"]): obj for obj in taken}
    found = current_refusal(job(), (RUN, WORKER), references, last=last, taken=known)
    assert (found.key if found else None) == expected


@pytest.mark.parametrize(
    ("retry_after", "expected"), [(timedelta(seconds=1), False), (timedelta(0), True), (None, False)]
)
def test_a_request_is_due_after_its_time(retry_after: timedelta | None, expected: bool) -> None:
    refusal = Refusal(key=LAST.key, reason=LAST.reason, message="", retry_after=retry_after)
    assert is_due(refusal) is expected


def test_without_a_refusal_there_is_no_condition() -> None:
    assert refusal_conditions(None) == ()
