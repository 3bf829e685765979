"""A coordinator's snapshot with a value for every metric."""

from llmtrain_api.protocol import BadStepInfo, CheckpointWriteStats
from llmtrain_api.time_ledger import TimeLedger
from llmtrain_coordinator.recovery_log import RecoveryLog
from llmtrain_coordinator.snapshot import CoordinatorSnapshot
from unit.coordinator.messages import group_after, join, progress

CHECKPOINT_WRITE = CheckpointWriteStats(seconds=1.5, size_bytes=300, volume_size_bytes=1000, volume_free_bytes=400)
BAD_STEP = BadStepInfo(step=3, microbatch=2, message="the loss of step 3 is nan from microbatch 2 on")
SNAPSHOT = CoordinatorSnapshot(
    group=group_after(
        1,
        join("a0"),
        progress(1, 4).model_copy(
            update={"mfu": 0.4, "bad_steps": 1, "bad_step": BAD_STEP, "checkpoint_write": CHECKPOINT_WRITE}
        ),
    ),
    compute_seconds={"a0": 0.25, "gone": 1.0},
    ledger=TimeLedger(until_ms=5000, ms={"stepping": 3000}),
    recovery_log=RecoveryLog(counts={"process": 2}, seconds={("process", "rendezvous"): 0.5}, replayed_steps=3),
)
