"""What pods and coordinators report, brought within the bounds of the status before any decision reads it.

Programs of users and of other versions run in the pods, so nothing that they report is taken as it is: numbers are
clamped, text is made printable, what is no instant becomes the present one. Nothing here raises.
"""

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any, TypeVar

from pydantic import ValidationError
from pydantic_core import from_json

from llmtrain_api.bounds import MAX_INTEGER, MAX_SECONDS, MAX_TEXT, clamp, clamp_float
from llmtrain_api.model import Message
from llmtrain_api.names import MAX_WORKERS
from llmtrain_api.printable import printable, printable_lines
from llmtrain_api.protocol import CheckpointInfo, CoordinatorStatus, Member, Progress
from llmtrain_api.recovery_record import ProcessFailure, RecoveryRecord
from llmtrain_api.termination import DatasetInfo, ModelInfo
from llmtrain_api.time_ledger import TimeLedger
from llmtrain_api.timestamps import format_rfc3339, is_rfc3339
from llmtrain_operator.core.pod_view import PodView
from llmtrain_operator.core.recovery_time import began
from llmtrain_operator.core.snapshot import JobSnapshot

MessageT = TypeVar("MessageT", bound=Message)

MAX_RECOVERIES = 64
"""Newest recoveries that are read from a coordinator."""
MAX_CLOCK_SKEW = timedelta(hours=1)
"""How far a coordinator's ledger may be ahead of the operator's clock."""
POD_TEXTS = {
    **dict.fromkeys(("unschedulable", "pull_failure", "waiting_message", "warning"), MAX_TEXT),
    **dict.fromkeys(("disruption_message", "status_message", "image", "memory_limit"), MAX_TEXT),
    **dict.fromkeys(("disruption", "waiting_container", "waiting_reason", "last_end_reason", "end_reason"), 64),
    "node": 253,
}
"""Texts of a pod's status that kubelets, schedulers and everyone who may update it write, and their limits."""
STAGE_RESULTS = {"prepare": "dataset", "publish": "model"}
"""What the pod of a stage must report when it succeeds, by role."""


def read_coordinator_status(text: bytes) -> CoordinatorStatus:
    """Return a coordinator's answer; ValueError if it is none.

    Another version may have written it: a member, progress, ledger or recovery that this version cannot read is left out.
    """
    document = from_json(text)
    if not isinstance(document, dict):
        raise ValueError("the answer is no JSON object")
    recoveries = document.get("recoveries")
    records = recoveries[-MAX_RECOVERIES:] if isinstance(recoveries, list) else []
    members = document.get("members")
    parts: dict[str, object] = {
        "progress": _read(Progress, document.get("progress")),
        "ledger": _read(TimeLedger, document.get("ledger")),
        "recoveries": [record for each in records if (record := _read(RecoveryRecord, each)) is not None],
    }
    if isinstance(members, list):
        parts["members"] = [member for each in members if (member := _read(Member, each)) is not None]
    return CoordinatorStatus.model_validate({**document, **parts})


def _read(kind: type[MessageT], document: Mapping[str, Any] | None) -> MessageT | None:
    try:
        return kind.model_validate(document)
    except ValidationError:
        return None


def within_bounds(snapshot: JobSnapshot) -> JobSnapshot:
    """Return the snapshot with everything that pods and the coordinator report brought within bounds."""
    coordinator, term = snapshot.coordinator, snapshot.job.status.coordinator_term
    return replace(
        snapshot,
        pods=tuple(reported_pod(pod) for pod in snapshot.pods),
        coordinator=with_recovery_times(reported_coordinator(coordinator, max_term=term, now=snapshot.now), snapshot)
        if coordinator
        else None,
    )


def with_recovery_times(status: CoordinatorStatus, snapshot: JobSnapshot) -> CoordinatorStatus:
    """Return a coordinator's status with the times of its recoveries by the operator's clock."""
    recoveries = [
        record.model_copy(
            update={"time": format_rfc3339(began(record, snapshot.job.status, snapshot.generations_seen, snapshot.now))}
        )
        for record in status.recoveries
    ]
    return status.model_copy(update={"recoveries": recoveries})


def reported_pod(pod: PodView) -> PodView:
    """Return a pod with printable texts. A pod that succeeded without the result of its stage has failed."""
    texts: dict[str, Any] = {
        name: clean
        for name, length in POD_TEXTS.items()
        if (text := getattr(pod, name)) and (clean := printable(text, length)) != text
    }
    if pod.end_message:
        texts["end_message"] = printable(pod.end_message, 16 * MAX_TEXT, multiline=True)
    if pod.exit_code is not None:
        texts["exit_code"] = clamp(pod.exit_code, -(2**31), 2**31 - 1)
    pod = replace(pod, **texts) if texts else pod
    result = STAGE_RESULTS.get(pod.role, "")
    if result and pod.phase == "Succeeded" and getattr(pod.outcome, result, None) is None:
        text = f"the container succeeded, but its termination message reports no {result}; its image must report one"
        return replace(pod, phase="Failed", end_reason="NoOutcome", end_message=text)
    return pod


def reported_coordinator(status: CoordinatorStatus, *, max_term: int, now: datetime) -> CoordinatorStatus:
    """Return a coordinator's status within bounds; `max_term` is the newest term of the job, 0 if it is not known."""
    return status.model_copy(
        update={
            "generation": clamp(status.generation),
            "desired": clamp(status.desired),
            "joined": clamp(status.joined),
            "members": [member for member in status.members if member.worker < MAX_WORKERS],
            "progress": reported_progress(status.progress, now) if status.progress else None,
            "first_step_time": instant(status.first_step_time, now) if status.first_step_time else None,
            "ledger": reported_ledger(status.ledger, now),
            "recoveries": [reported_recovery(record, max_term) for record in status.recoveries[-MAX_RECOVERIES:]],
        }
    )


def reported_progress(progress: Progress, now: datetime) -> Progress:
    """Return the progress within bounds. Losses stay as they are: a status shows them as text."""
    steps = clamp(progress.steps)
    return progress.model_copy(
        update={
            "steps": steps,
            "step": clamp(progress.step, high=steps),
            "tokens": clamp(progress.tokens),
            "tokens_per_second": clamp_float(progress.tokens_per_second),
            "checkpoint": reported_checkpoint(progress.checkpoint, now) if progress.checkpoint else None,
            "checkpoint_error": printable(progress.checkpoint_error, 512),
        }
    )


def reported_checkpoint(checkpoint: CheckpointInfo, now: datetime) -> CheckpointInfo:
    """Return the newest checkpoint within bounds."""
    return CheckpointInfo(
        step=clamp(checkpoint.step), time=instant(checkpoint.time, now), path=printable(checkpoint.path, MAX_TEXT)
    )


def reported_ledger(ledger: TimeLedger | None, now: datetime) -> TimeLedger | None:
    """Return a ledger; None for one that is ahead of the operator's clock, or accounts for more time than there was."""
    if (
        ledger is None
        or ledger.until_ms > (now + MAX_CLOCK_SKEW).timestamp() * 1000
        or ledger.total_ms > ledger.until_ms
    ):
        return None
    return ledger


def reported_recovery(record: RecoveryRecord, max_term: int) -> RecoveryRecord:
    """Return a recovery within bounds, except for its time. A term that the job has not had would hide all later recoveries."""
    return record.model_copy(
        update={
            "term": clamp(record.term, high=max_term or MAX_INTEGER),
            "generation": clamp(record.generation),
            "detect_seconds": clamp_float(record.detect_seconds, MAX_SECONDS),
            "rendezvous_seconds": clamp_float(record.rendezvous_seconds, MAX_SECONDS),
            "restore_seconds": clamp_float(record.restore_seconds, MAX_SECONDS),
            "replay_seconds": clamp_float(record.replay_seconds, MAX_SECONDS),
            "replayed_steps": clamp(record.replayed_steps, high=2**31),
            "process_failure": reported_process(record.process_failure) if record.process_failure else None,
        }
    )


def reported_process(process: ProcessFailure) -> ProcessFailure:
    """Return a failed process within bounds."""
    return ProcessFailure(
        worker=clamp(process.worker, high=MAX_WORKERS - 1),
        local_rank=clamp(process.local_rank, high=MAX_WORKERS),
        node=printable(process.node, 253),
        exit_code=clamp(process.exit_code, -(2**31), 2**31 - 1),
        message=printable(process.message, MAX_TEXT),
        last_lines=printable_lines(process.last_lines, max_lines=10, max_length=1000),
    )


def reported_dataset(dataset: DatasetInfo) -> DatasetInfo:
    """Return a prepared dataset within bounds; its id names a directory already."""
    counts = {name: clamp(getattr(dataset, name)) for name in ("tokens", "held_out_tokens", "vocab_size")}
    return dataset.model_copy(update=counts)


def reported_model(model: ModelInfo) -> ModelInfo:
    """Return a published model within bounds. Its losses stay as they are: a status shows them as text."""
    return model.model_copy(
        update={
            "parameters": clamp(model.parameters),
            "path": printable(model.path, MAX_TEXT),
            "sha256": printable(model.sha256, 64),
            "ending": printable(model.ending, 256),
            "sample": printable(model.sample, 2048, multiline=True),
        }
    )


def instant(text: str, now: datetime) -> str:
    """Return an instant as the API server accepts it: `text`, or the present one if it is none."""
    return text if is_rfc3339(text) else format_rfc3339(now)
