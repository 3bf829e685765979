"""What a rank process has from its start to its end, whatever it runs."""

from dataclasses import dataclass

from llmtrain_api.jsonlog import JsonLog
from llmtrain_trainer.distributed.abandoned_groups import AbandonedGroups
from llmtrain_trainer.distributed.rank_identity import RankIdentity
from llmtrain_trainer.worker.stop_signal import StopSignal


@dataclass(frozen=True, kw_only=True)
class RankContext:
    """The identity of a rank process, and what exists once in it."""

    identity: RankIdentity
    stop_signal: StopSignal
    """Handles the signals of the process."""
    log: JsonLog
    abandoned_groups: AbandonedGroups
    """Owned by the entry point, which ends the process without destroying them."""
