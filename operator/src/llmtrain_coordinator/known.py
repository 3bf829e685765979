"""All that a coordinator knows at one moment."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from llmtrain_api.goodput import Account
from llmtrain_coordinator.recoveries import Ledger
from llmtrain_coordinator.roster import Roster


@dataclass(frozen=True, kw_only=True)
class Known:
    """All that the metrics are read off."""

    roster: Roster
    ledger: Ledger
    account: Account | None = None
    work_seconds: Mapping[str, float] = field(default_factory=dict)
    """What the last step's microbatches took each member, by incarnation."""
