"""Who a rank is: its worker, its number there, and where the others reach it."""

import os
import uuid
from dataclasses import dataclass

from llmtrain_api.protocol import Member

INCARNATION = "LLMTRAIN_INCARNATION"
LOCAL_RANK = "LLMTRAIN_LOCAL_RANK"


@dataclass(frozen=True, kw_only=True)
class RankIdentity:
    """What the environment says of this worker and, in a rank's process, of this rank."""

    worker: int
    local_rank: int
    incarnation: str
    address: str
    node: str

    @classmethod
    def from_environment(cls) -> "RankIdentity":
        """Return this process's place. The operator sets it for a worker, the supervisor for a rank."""
        return cls(
            worker=int(os.environ.get("LLMTRAIN_WORKER", "0")),
            local_rank=int(os.environ.get(LOCAL_RANK, "0")),
            incarnation=os.environ.get(INCARNATION) or new_incarnation(),
            address=os.environ.get("LLMTRAIN_ADDRESS") or "127.0.0.1",
            node=os.environ.get("LLMTRAIN_NODE", ""),
        )

    def member(self, store_port: int, *, numerics: str = "") -> Member:
        """Return this rank as the others know it; `numerics` says what its bits depend on, if that matters."""
        return Member(
            worker=self.worker,
            local_rank=self.local_rank,
            incarnation=self.incarnation,
            address=self.address,
            store_port=store_port,
            node=self.node,
            numerics=numerics,
        )


def new_incarnation() -> str:
    """Return a name that no other process has."""
    return uuid.uuid4().hex[:16]
