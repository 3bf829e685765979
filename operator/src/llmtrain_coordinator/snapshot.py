"""All that a coordinator knows at one moment."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from llmtrain_api.time_ledger import TimeLedger
from llmtrain_coordinator.group import GroupState
from llmtrain_coordinator.recovery_log import RecoveryLog


@dataclass(frozen=True, kw_only=True)
class CoordinatorSnapshot:
    """All that the metrics are read off."""

    roster: GroupState
    ledger: RecoveryLog
    account: TimeLedger | None = None
    work_seconds: Mapping[str, float] = field(default_factory=dict)
    """What the last step's microbatches took each member, by incarnation."""
