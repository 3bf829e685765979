"""Whatever pods and coordinators report, the operator acts, and the API server accepts the status."""

import json
from typing import Any

import pytest

from llmtrain_api.job_status import JobStatus
from llmtrain_api.protocol import CheckpointInfo
from llmtrain_api.recovery_record import ProcessFailure
from llmtrain_api.termination import DatasetInfo, ModelInfo, TerminationMessage
from llmtrain_api.time_ledger import TimeLedger
from llmtrain_operator.core.job import plan_job
from llmtrain_operator.core.pod_view import PodView
from llmtrain_operator.core.reported import read_coordinator_status
from support.garbage import garbled, garbled_json
from support.measurements import RecordMeasurement
from unit.operator.builders import DATASET, NOW, ago, coordinator_status, job, pod, progress, snapshot, started
from unit.operator.core.stored_status import RECOVERY, RUNNING, planned, storable

NOW_MS = round(NOW.timestamp() * 1000)


def test_a_coordinator_can_answer_anything(record_measurement: RecordMeasurement) -> None:
    recovery = RECOVERY.model_copy(update={"process_failure": ProcessFailure(worker=0, local_rank=0, exit_code=1)})
    checkpoint = CheckpointInfo(step=1, time=ago(1), path="p")
    ledger = TimeLedger(until_ms=NOW_MS, ms={"stepping": 5})
    answer = coordinator_status(first_step_time=ago(60)).model_copy(
        update={"recoveries": [recovery], "progress": progress(checkpoint=checkpoint), "ledger": ledger}
    )
    cases = 0
    for place, text in garbled_json(answer.model_dump_json(by_alias=True)):
        cases += 1
        try:
            status = read_coordinator_status(text.encode())
        except ValueError:
            continue  # no answer
        assert planned(status).stage, place
    record_measurement("garbage_cases", cases, "")


@pytest.mark.parametrize("reason", ["Completed", "Crashed"])
@pytest.mark.parametrize(
    ("role", "stage"),
    [
        ("prepare", {}),
        ("worker-0", {"dataset": DATASET, "stage": "Training", "coordinatorTerm": 1}),
        ("publish", {"dataset": DATASET, "trainingCompleted": True}),
    ],
)
def test_a_container_can_report_anything(
    reason: Any, role: str, stage: dict[str, Any], record_measurement: RecordMeasurement
) -> None:
    dataset = DatasetInfo(id="d1", tokens=1, held_out_tokens=1, vocab_size=1, unigram_loss=1.0)
    model = ModelInfo(loss=1.0, perplexity=1.0, unigram_perplexity=1.0, parameters=1, path="p")
    message = TerminationMessage(
        reason=reason, message="m", last_lines=["l"], exit_code=1, dataset=dataset, model=model
    )
    cases = 0
    for place, text in garbled_json(message.model_dump_json(by_alias=True)):
        cases += 1
        phase = "Succeeded" if reason == "Completed" else "Failed"
        ended = pod(f"j-{role}", role.removesuffix("-0"), phase, end_message=text)
        status = plan_job(snapshot(job(started(**stage)), pods=(ended,))).status
        assert isinstance(status, JobStatus), place
        assert storable(status), place
    record_measurement("garbage_cases", cases, "")


POD_STATUSES = (
    {"phase": "Running"},
    {"phase": "Pending"},
    {"phase": "Pending", "containerStatuses": [{"name": "worker", "state": {"waiting": {"reason": "ErrImagePull"}}}]},
    {
        "phase": "Failed",
        "reason": "Evicted",
        "message": "m",
        "containerStatuses": [
            {
                "name": "worker",
                "restartCount": 1,
                "state": {"terminated": {"exitCode": 1, "reason": "Error", "message": "m"}},
                "lastState": {"terminated": {"reason": "r"}},
            }
        ],
    },
)


@pytest.mark.parametrize("deleting", [True, False], ids=["deleting", "existing"])
@pytest.mark.parametrize("status", POD_STATUSES, ids=lambda status: status["phase"])
def test_a_kubelet_can_report_anything(
    status: dict[str, Any], deleting: bool, record_measurement: RecordMeasurement
) -> None:
    condition = {"type": "DisruptionTarget", "status": "True", "reason": "EvictionByEvictionAPI", "message": "m"}
    scheduled = {"type": "PodScheduled", "status": "False", "message": "m"}
    good = json.loads(json.dumps(RUNNING[0].manifest))
    if deleting:
        good["metadata"]["deletionTimestamp"] = ago(60)
    good["spec"]["containers"][0] |= {"name": "worker", "resources": {"limits": {"memory": "1Gi"}}}
    good["status"] = {**status, "startTime": ago(90), "conditions": [condition, scheduled]}
    before = job(started(dataset=DATASET, stage="Training", coordinatorTerm=1))
    cases = 0
    for place, bad in garbled(good):
        if place[0] in ("kind", "metadata") and place[1:2] != ("deletionTimestamp",):
            continue  # the API server's own
        cases += 1
        planned = plan_job(snapshot(before, pods=(PodView.of(bad), *RUNNING[1:]))).status
        if isinstance(planned, JobStatus):
            assert storable(planned), place
    record_measurement("garbage_cases", cases, "")
