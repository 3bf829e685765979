"""No end of a pod or a coordinator keeps the operator from acting, and every status of one can be stored."""

import dataclasses
import json
import math
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from llmtrain_api.job_status import JobStatus
from llmtrain_api.protocol import CheckpointInfo
from llmtrain_api.recovery_record import ProcessFailure
from llmtrain_api.time_ledger import TimeLedger
from llmtrain_operator.core.job import plan_job
from llmtrain_operator.core.pod_view import PodView
from llmtrain_operator.core.reported import POD_TEXTS, read_coordinator_status, reported_pod
from unit.operator.builders import (
    DATASET,
    NOW,
    ago,
    coordinator_status,
    failed_pod,
    job,
    pod,
    progress,
    snapshot,
    started,
)
from unit.operator.core.stored_status import RECOVERY, RUNNING, planned, storable

HUGE = 10**40
NOW_MS = round(NOW.timestamp() * 1000)


@pytest.mark.parametrize(
    "fields",
    [
        {"loss": 1e30},
        {"loss": -1e300},
        {"loss": math.nan},
        {"loss": math.inf},
        {"held_out_loss": 1e30},
        {"held_out_loss": math.nan},
        {"step": 20, "steps": 10},
        {"step": -1},
        {"steps": -5},
        {"step": HUGE, "steps": HUGE},
        {"tokens": HUGE},
        {"tokens": -3},
        {"tokens_per_second": -1.0},
        {"tokens_per_second": math.nan},
        {"tokens_per_second": math.inf},
        {"tokens_per_second": 5e-324},
        {"checkpoint": CheckpointInfo(step=HUGE, time="x" * 5000, path="p" * 5000)},
        {"checkpoint": CheckpointInfo(step=-1, time="", path="\x1b[31m\ud800")},
        {"checkpoint_error": "\x1b[2J" + "x" * 512},
    ],
    ids=str,
)
def test_no_progress_keeps_the_operator_from_acting(fields: dict[str, Any]) -> None:
    coordinator = coordinator_status(first_step_time=ago(60)).model_copy(update={"progress": progress(**fields)})
    assert planned(coordinator).stage == "Training"
    assert planned(coordinator, suspend=True).stage == "Suspended"


@pytest.mark.parametrize(
    "fields",
    [
        {"generation": HUGE},
        {"generation": -1},
        {"joined": -5},
        {"first_loss": math.nan},
        {"first_step_time": "yesterday"},
        {"first_step_time": "2026-11-23T10:00:00"},
        {"ledger": TimeLedger(until_ms=HUGE, ms={"stepping": 5})},
        {"ledger": TimeLedger(until_ms=NOW_MS, ms={"stepping": HUGE})},
        {"ledger": TimeLedger(until_ms=NOW_MS + 10**9, ms={"stepping": NOW_MS})},
        {"recoveries": [RECOVERY.model_copy(update={"generation": HUGE, "term": HUGE, "replayed_steps": HUGE})]},
        {"recoveries": [RECOVERY.model_copy(update={"time": "\x1b[31m" * 50, "detect_seconds": math.nan})]},
        {"recoveries": [RECOVERY.model_copy(update={"replay_seconds": math.inf, "restore_seconds": -1e30})]},
        {"recoveries": [RECOVERY.model_copy(update={"generation": number}) for number in range(1000)]},
        {
            "recoveries": [
                RECOVERY.model_copy(
                    update={
                        "process_failure": ProcessFailure(
                            worker=HUGE,
                            local_rank=-1,
                            node="n" * 5000,
                            exit_code=HUGE,
                            message="\x1b]0;x\x07" + "m" * 5000,
                            last_lines=["l" * 5000] * 500,
                        )
                    }
                )
            ]
        },
    ],
    ids=lambda fields: str(fields)[:60],
)
def test_no_state_of_a_coordinator_keeps_the_operator_from_acting(fields: dict[str, Any]) -> None:
    coordinator = coordinator_status().model_copy(update=fields)
    assert planned(coordinator, suspend=True).stage == "Suspended"
    planned(coordinator)


def test_a_recovery_of_a_term_that_the_job_has_not_had_hides_no_later_one() -> None:
    first = coordinator_status().model_copy(update={"recoveries": [RECOVERY.model_copy(update={"term": 10**6})]})
    status = planned(first)
    assert status.recoveries.last is not None
    assert status.recoveries.last.term == 2


@pytest.mark.parametrize(
    "end",
    [
        {"end_message": "\x1b[31m" * 5000},
        {"end_message": "\ud800\x00"},
        {"end_reason": "R" * 5000},
        {"status_message": "evicted " * 5000},
        {"end_message": json.dumps({"reason": "Crashed", "message": "\x1b[2Jm" * 500, "lastLines": ["x" * 4096] * 99})},
        {"end_message": json.dumps({"reason": "Completed", "exitCode": HUGE})},
    ],
    ids=lambda end: str(end)[:50],
)
def test_no_end_of_a_pod_keeps_the_operator_from_acting(end: dict[str, Any]) -> None:
    failed = replace(failed_pod("j-worker-0", HUGE), **end)
    assert planned(coordinator_status(), (failed, *RUNNING[1:])).recoveries.count == 1


@pytest.mark.parametrize(
    "model",
    [
        {"loss": 1e30, "perplexity": math.inf},
        {"loss": 3.0, "perplexity": 1e300, "parameters": HUGE},
        {"loss": 3.0, "perplexity": 2.0, "parameters": -1, "path": "p" * 3000, "sha256": "s" * 3000},
        {"loss": 3.0, "perplexity": None, "metrics": {"accuracy": 1e300, "f1": "NaN"}},
        {"loss": 3.0, "perplexity": 2.0, "sample": "\x1b[31mdef f():\n\treturn"},
    ],
    ids=lambda model: str(model)[:50],
)
def test_any_model_is_stored(model: dict[str, Any]) -> None:
    document = {"unigramPerplexity": 2.0, "parameters": 1, "path": "p", **model}
    message = json.dumps({"reason": "Completed", "model": document})
    ended = pod("j-publish", "publish", "Succeeded", end_message=message)
    status = plan_job(snapshot(job(started(dataset=DATASET, trainingCompleted=True)), pods=(ended,))).status
    assert isinstance(status, JobStatus)
    assert storable(status)
    assert status.stage == "Succeeded"


TEXTS = {field.name for field in dataclasses.fields(PodView) if field.type in (str, "str")}
IDENTITY = {"name", "namespace", "uid", "role", "phase", "node", "address"}


@pytest.mark.parametrize("name", sorted(TEXTS - IDENTITY))
def test_every_text_about_a_pod_is_printable(name: str) -> None:
    view = reported_pod(replace(RUNNING[0], **{name: "\x1b[31m0/3" + "x" * 99999}))
    assert getattr(view, name).startswith("0/3x")
    assert len(getattr(view, name)) <= 16 * 1024


def test_a_pod_within_bounds_stays_as_it_is() -> None:
    assert reported_pod(RUNNING[0]) is RUNNING[0]


@pytest.mark.parametrize("name", POD_TEXTS)
def test_every_text_of_a_pod_is_printable_and_short(name: str) -> None:
    text = getattr(reported_pod(replace(RUNNING[0], **{name: "\x1b[31mred\u202e\x00" + "x" * 9999})), name)
    assert text.startswith("redx")
    assert len(text) == POD_TEXTS[name]


def test_a_disrupted_pod_is_recorded_with_printable_texts() -> None:
    drained = replace(RUNNING[0], deleting=True, disruption="\x1b[31mX" * 99, disruption_message="\x1b[31mby\x00" * 999)
    (failure,) = planned(coordinator_status(), pods=(drained, *RUNNING[1:])).recoveries.recent
    assert failure.disruption


def document(**fields: Any) -> bytes:
    found = json.loads(coordinator_status().model_dump_json(by_alias=True))
    return json.dumps({**found, **fields}).encode()


def test_an_answer_is_read_with_the_parts_that_this_version_knows() -> None:
    known = json.loads(RECOVERY.model_dump_json(by_alias=True))
    read = read_coordinator_status(
        document(
            new=1,
            progress={"step": "many"},
            ledger={"untilMs": 1, "ms": {"dreaming": 5}},
            recoveries=[known, {**known, "method": "prayer"}, None, {**known, "new": 1}],
        )
    )
    assert (read.progress, read.ledger, len(read.recoveries)) == (None, None, 2)


@pytest.mark.parametrize("text", [b"", b"[]", b"null", b"{}", b"{" * 5000, b"\xff", b'{"state": "Training"}'])
def test_another_text_is_no_answer(text: bytes) -> None:
    with pytest.raises(ValueError, match=r".*"):
        read_coordinator_status(text)


def test_a_ledger_shortly_ahead_of_the_operators_clock_counts() -> None:
    ahead = TimeLedger(until_ms=NOW_MS + round(timedelta(minutes=1) / timedelta(milliseconds=1)), ms={"stepping": 9000})
    status = planned(coordinator_status().model_copy(update={"ledger": ahead}))
    assert status.goodput is not None
    assert status.goodput.seconds == {"stepping": "9.000"}
