"""What torchrun tells a process: who it is among the others, and where they meet."""

from llmtrain_api.protocol import Membership

MOST_RESTARTS = 1000
"""What scripts are told as the most restarts there may be: the largest budget a job can have."""


def torchrun_environment(membership: Membership, incarnation: str, *, run_id: str) -> dict[str, str]:
    """Return the variables of one member's program, named as torchrun names them.

    Ranks are the order of the members, and groups are the workers, so that local ranks have no holes even if a process
    of a worker is missing.
    """
    members, rank = membership.members, membership.rank_of(incarnation)
    own = members[rank]
    workers = sorted({member.worker for member in members})
    beside = [member.incarnation for member in members if member.worker == own.worker]
    return {
        "RANK": str(rank),
        "WORLD_SIZE": str(len(members)),
        "LOCAL_RANK": str(beside.index(incarnation)),
        "LOCAL_WORLD_SIZE": str(len(beside)),
        "GROUP_RANK": str(workers.index(own.worker)),
        "GROUP_WORLD_SIZE": str(len(workers)),
        "ROLE_NAME": "default",
        "ROLE_RANK": str(rank),
        "ROLE_WORLD_SIZE": str(len(members)),
        "MASTER_ADDR": members[0].address,
        "MASTER_PORT": str(members[0].store_port),
        "TORCHELASTIC_RUN_ID": run_id,
        "TORCHELASTIC_RESTART_COUNT": str(membership.generation - 1),
        "TORCHELASTIC_MAX_RESTARTS": str(MOST_RESTARTS),
        "TORCHELASTIC_USE_AGENT_STORE": "False",
        "TORCH_NCCL_ASYNC_ERROR_HANDLING": "1",
        "LLMTRAIN_GENERATION": str(membership.generation),
    }
