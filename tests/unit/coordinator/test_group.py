"""The group's state is summarised for the operator."""

import pytest

from llmtrain_coordinator.group import GroupState
from unit.coordinator.messages import GENERATION_1, group_after, heartbeat, join, leave, member, scale

STATES = [
    pytest.param([], "Waiting", id="no rank has joined"),
    pytest.param(GENERATION_1, "Training", id="a generation runs"),
    pytest.param(
        [*GENERATION_1, leave("a0", "Failed")], "Training", id="a member has failed, its peer is in its last step"
    ),
    pytest.param(
        [scale(2, 2), *GENERATION_1, leave("a0", "Failed"), join("a1", 1)], "Waiting", id="too few ranks are left"
    ),
    pytest.param([*GENERATION_1, leave("a0", "Finished")], "Training", id="one of two has finished"),
    pytest.param(
        [*GENERATION_1, leave("a0", "Finished"), leave("a1", "Finished")], "Finished", id="both ranks have finished"
    ),
    pytest.param([heartbeat("a0", 3)], "Training", id="a generation is adopted"),
    pytest.param(
        [heartbeat("a0", 3), heartbeat("a1", 3), leave("a0", "Finished"), leave("a1", "Finished")],
        "Finished",
        id="an adopted generation has finished",
    ),
]


@pytest.mark.parametrize(("messages", "state"), STATES)
def test_the_status_has_one_of_three_states(messages: list[object], state: str) -> None:
    assert group_after(2, scale(2), *messages).status().state == state


def test_a_member_is_desired_while_the_job_has_its_worker_and_local_rank() -> None:
    group = GroupState(workers=2, ranks_per_worker=1)
    assert group.is_desired(member("a1"))
    assert not group.is_desired(member("a2"))
    assert not group.is_desired(member("a1").model_copy(update={"local_rank": 1}))
