"""A consistent copy of a coordinator's state, which other threads read to export metrics."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from llmtrain_api.time_ledger import TimeLedger
from llmtrain_coordinator.group import GroupState
from llmtrain_coordinator.recovery_log import RecoveryLog


@dataclass(frozen=True, kw_only=True)
class CoordinatorSnapshot:
    """Everything that the metrics of metrics.py are computed from."""

    group: GroupState
    recovery_log: RecoveryLog
    ledger: TimeLedger | None = None
    """The job's time by category; None until its counters can be exported without going backwards."""
    compute_seconds: Mapping[str, float] = field(default_factory=dict)
    """How long each member computed in its latest step, by incarnation; communication is not included."""
