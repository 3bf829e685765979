"""Messages survive the way between programs of different versions, and hold what the receiver relies on."""

import json
import math
from typing import Any

import pytest
from pydantic import ValidationError

from llmtrain_api.model import Message
from llmtrain_api.protocol import (
    HEARTBEAT_SECONDS,
    HEARTBEATS_PER_SECOND,
    LEASE_SECONDS,
    CheckpointInfo,
    CheckpointWriteStats,
    CoordinatorStatus,
    CurrentGeneration,
    DesiredWorkers,
    GenerationStart,
    Heartbeat,
    Join,
    JoinPending,
    Leave,
    Member,
    Membership,
    Progress,
    heartbeat_seconds,
    lease_seconds,
)
from llmtrain_api.recovery_record import RECOVERY_PHASES, ProcessFailure, RecoveryRecord
from llmtrain_api.time_ledger import new_ledger

TIME = "2026-11-23T10:00:00.000Z"
MEMBERS = [
    Member(worker=worker, local_rank=0, incarnation=name, address="10.0.0.1", store_port=29500)
    for worker, name in enumerate("ab")
]
PROGRESS = Progress(
    generation=2,
    step=3,
    steps=10,
    loss=2.5,
    learning_rate=3e-4,
    gradient_norm=1.0,
    tokens=192,
    tokens_per_second=1000.0,
    held_out_loss=2.75,
    held_out_step=2,
    checkpoint=CheckpointInfo(step=2, time=TIME, path="job/checkpoints/step-00000002"),
    checkpoint_write=CheckpointWriteStats(seconds=0.5, size_bytes=1, volume_size_bytes=3, volume_free_bytes=2),
    generation_start=GenerationStart(step=2, source="Memory", seconds=0.25),
)
RECOVERY = RecoveryRecord(
    term=1,
    generation=1,
    method="pod",
    time=TIME,
    detect_seconds=0.5,
    rendezvous_seconds=1.0,
    restore_seconds=2.0,
    replay_seconds=4.0,
    replayed_steps=1,
    process_failure=ProcessFailure(worker=1, local_rank=0, exit_code=-9),
)
MESSAGES: list[Message] = [
    Join(member=MEMBERS[0], generation=1, term=2, step=0),
    JoinPending(joined=1, desired=2),
    Membership(term=2, generation=1, members=MEMBERS),
    Heartbeat(member=MEMBERS[0], generation=1, ranks=2, step=3, compute_seconds=0.5),
    CurrentGeneration(generation=2, broken=True),
    Leave(incarnation="a", reason="Failed", exit_code=-9, message="killed", last_lines=["one"]),
    PROGRESS,
    RECOVERY,
    DesiredWorkers(workers=2, ledger=new_ledger(1000), step=3, now_ms=2000),
    CoordinatorStatus(
        state="Training",
        generation=2,
        desired=2,
        joined=2,
        members=MEMBERS,
        progress=PROGRESS,
        ledger=new_ledger(1000),
        recoveries=[RECOVERY],
    ),
]


def sent(message: Message) -> str:
    """Return a message as programs send it."""
    return message.model_dump_json(by_alias=True, exclude_none=True)


@pytest.mark.parametrize("message", MESSAGES, ids=lambda message: type(message).__name__)
def test_a_message_is_received_as_it_was_sent(message: Message) -> None:
    assert type(message).model_validate_json(sent(message)) == message


@pytest.mark.parametrize("message", MESSAGES, ids=lambda message: type(message).__name__)
def test_the_fields_of_a_newer_version_are_ignored(message: Message) -> None:
    newer = {**json.loads(sent(message)), "fieldOfANewerVersion": {"value": 1}}
    assert type(message).model_validate_json(json.dumps(newer)) == message


@pytest.mark.parametrize("loss", [math.nan, math.inf, -math.inf])
def test_the_progress_of_a_training_that_diverged_is_received(loss: float) -> None:
    text = sent(PROGRESS.model_copy(update={"loss": loss, "gradient_norm": loss}))
    json.loads(text, parse_constant=lambda constant: pytest.fail(f"{constant} is not JSON"))
    received = Progress.model_validate_json(text)
    assert [repr(received.loss), repr(received.gradient_norm)] == [repr(loss), repr(loss)]


def test_a_rank_is_the_index_among_the_members() -> None:
    membership = Membership(generation=1, members=MEMBERS)
    assert [membership.rank_of(name) for name in "ab"] == [0, 1]
    with pytest.raises(ValueError, match="is not in list"):
        membership.rank_of("c")


def test_the_answers_to_a_join_cannot_be_confused() -> None:
    for answer, other in ((JoinPending(joined=1, desired=2), Membership), (MESSAGES[2], JoinPending)):
        with pytest.raises(ValidationError):
            other.model_validate_json(sent(answer))


def test_a_state_of_no_steps_is_not_the_absence_of_a_state() -> None:
    with_state, without = (Join(member=MEMBERS[0], step=step) for step in (0, None))
    assert [json.loads(sent(join)).get("step") for join in (with_state, without)] == [0, None]


@pytest.mark.parametrize(
    ("kind", "fields", "field"),
    [
        pytest.param(Member, {**MEMBERS[0].document(), "worker": -1}, "worker", id="a negative worker"),
        pytest.param(Member, {**MEMBERS[0].document(), "storePort": 0}, "storePort", id="a port that is not one"),
        pytest.param(Member, {**MEMBERS[0].document(), "incarnation": "a" * 33}, "incarnation", id="a long name"),
        pytest.param(DesiredWorkers, {"workers": 0}, "workers", id="no worker"),
        pytest.param(Leave, {"incarnation": "a", "reason": "Bored"}, "reason", id="an unknown reason"),
        pytest.param(
            Leave, {"incarnation": "a", "reason": "Failed", "lastLines": ["x"] * 11}, "lastLines", id="a whole log"
        ),
        pytest.param(
            Progress, {**PROGRESS.document(), "checkpointError": "x" * 513}, "checkpointError", id="a long error"
        ),
    ],
)
def test_a_value_out_of_bounds_is_rejected_with_its_field(
    kind: type[Message], fields: dict[str, Any], field: str
) -> None:
    with pytest.raises(ValidationError) as error:
        kind.model_validate(fields)
    assert [found["loc"] for found in error.value.errors()] == [(field,)]


def test_every_phase_of_a_recovery_is_measured() -> None:
    assert RECOVERY.seconds_by_phase == {"detect": 0.5, "rendezvous": 1.0, "restore": 2.0, "replay": 4.0}
    assert tuple(RECOVERY.seconds_by_phase) == RECOVERY_PHASES


def test_a_lease_outlives_a_lost_heartbeat() -> None:
    assert 2 * HEARTBEAT_SECONDS < LEASE_SECONDS


@pytest.mark.parametrize("ranks", [1, 256, 257, 1024])
def test_a_group_of_any_size_sends_no_more_heartbeats_than_a_coordinator_answers(ranks: int) -> None:
    assert ranks / heartbeat_seconds(ranks) <= HEARTBEATS_PER_SECOND
    assert lease_seconds(ranks) - heartbeat_seconds(ranks) == pytest.approx(LEASE_SECONDS - HEARTBEAT_SECONDS)
    if ranks <= 256:
        assert (heartbeat_seconds(ranks), lease_seconds(ranks)) == (HEARTBEAT_SECONDS, LEASE_SECONDS)
