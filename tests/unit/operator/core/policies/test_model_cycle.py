"""Jobs that wait for each other's model are found, and named in a condition."""

import pytest

from llmtrain_api.conditions import Reason
from llmtrain_operator.core.policies.model_cycle import MAX_FOLLOWED, model_cycle, waiting_in_cycle

LONG = {str(number): str(number + 1) for number in range(MAX_FOLLOWED - 1)}


@pytest.mark.parametrize(
    ("awaited", "cycle"),
    [
        pytest.param({}, (), id="the job waits for none"),
        pytest.param({"0": "base"}, (), id="the job waits for one that waits for none, or does not exist"),
        pytest.param({"0": "0"}, ("0",), id="the job names itself"),
        pytest.param({"0": "a", "a": "0"}, ("0", "a"), id="two jobs wait for each other"),
        pytest.param({"0": "a", "a": "b", "b": "0"}, ("0", "a", "b"), id="three jobs do"),
        pytest.param({"0": "a", "a": "b", "b": "a"}, ("a", "b"), id="the job waits for two that do"),
        pytest.param({"0": "a", "a": "a"}, ("a",), id="the job waits for one that names itself"),
        pytest.param({**LONG, str(len(LONG)): "0"}, (*LONG, str(len(LONG))), id="many jobs do"),
        pytest.param({str(n): str(n + 1) for n in range(10**6)}, (), id="more than are followed do not"),
    ],
)
def test_jobs_that_wait_for_each_other_are_found(awaited: dict[str, str], cycle: tuple[str, ...]) -> None:
    assert model_cycle("0", awaited.get) == cycle


@pytest.mark.parametrize(
    ("cycle", "text"),
    [
        pytest.param(("a",), "LLMTrainingJob 'a' waits for its own model, and so never starts; delete it", id="one"),
        pytest.param(
            ("a", "b"),
            "2 jobs wait for each other's model, and so never start: 'a' for that of 'b', 'b' for that of 'a'; delete one of",
            id="two",
        ),
        pytest.param(tuple("abcdefghijk"), "'h' for that of 'i', and 3 more; delete one of them", id="eleven"),
    ],
)
def test_the_message_names_the_jobs_and_the_remedy(cycle: tuple[str, ...], text: str) -> None:
    blocker = waiting_in_cycle("spec.model.from.job", cycle)
    assert blocker.reason == Reason.DEPENDENCY_CYCLE
    assert blocker.message.startswith("spec.model.from.job: ")
    assert text in blocker.message
    assert blocker.message.endswith("create it again with another model")
