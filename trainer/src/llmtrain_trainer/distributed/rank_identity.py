"""The identity of a rank: its worker, its number there, and the address at which its peers reach it."""

import os
import uuid
from dataclasses import dataclass

from llmtrain_api.protocol import Member

INCARNATION = "LLMTRAIN_INCARNATION"
"""Environment variable: the random name of a rank process."""
LOCAL_RANK = "LLMTRAIN_LOCAL_RANK"
"""Environment variable: the number of a rank in its worker."""


@dataclass(frozen=True, kw_only=True)
class RankIdentity:
    """The identity of this process, from its environment."""

    worker: int
    local_rank: int
    incarnation: str
    address: str
    node: str

    @classmethod
    def from_environment(cls) -> "RankIdentity":
        """Return the identity of this process. The operator sets a worker's part, the supervisor a rank's."""
        return cls(
            worker=int(os.environ.get("LLMTRAIN_WORKER", "0")),
            local_rank=int(os.environ.get(LOCAL_RANK, "0")),
            incarnation=os.environ.get(INCARNATION) or new_incarnation(),
            address=os.environ.get("LLMTRAIN_ADDRESS") or "127.0.0.1",
            node=os.environ.get("LLMTRAIN_NODE", ""),
        )

    def member(self, store_port: int, *, numerics: str = "", model: str = "") -> Member:
        """Return this rank as a member of a generation.

        `store_port` is the port of its store; `numerics` describes what its bits depend on (empty: it does not matter);
        `model` is the checksum of the files beside the dataset that its training reads (empty: there are none).
        """
        return Member(
            worker=self.worker,
            local_rank=self.local_rank,
            incarnation=self.incarnation,
            address=self.address,
            store_port=store_port,
            node=self.node,
            numerics=numerics,
            model=model,
        )


def new_incarnation() -> str:
    """Return a name that is unique to one process."""
    return uuid.uuid4().hex[:16]
