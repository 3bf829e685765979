"""The environment variables with which torchrun describes a process group to its processes."""

from llmtrain_api.protocol import Membership

MAX_RESTARTS = 1000
"""Maximum number of restarts that programs see: the largest failure budget that a job can have."""


def torchrun_environment(membership: Membership, incarnation: str, *, run_id: str) -> dict[str, str]:
    """Return the variables of one member's program, with the names of torchrun.

    Ranks follow the order of the members, and groups are the workers. Local ranks are consecutive even if a process of
    a worker is missing.
    """
    members, rank = membership.members, membership.rank_of(incarnation)
    member = members[rank]
    workers = sorted({other.worker for other in members})
    local = [other.incarnation for other in members if other.worker == member.worker]
    return {
        "RANK": str(rank),
        "WORLD_SIZE": str(len(members)),
        "LOCAL_RANK": str(local.index(incarnation)),
        "LOCAL_WORLD_SIZE": str(len(local)),
        "GROUP_RANK": str(workers.index(member.worker)),
        "GROUP_WORLD_SIZE": str(len(workers)),
        "ROLE_NAME": "default",
        "ROLE_RANK": str(rank),
        "ROLE_WORLD_SIZE": str(len(members)),
        "MASTER_ADDR": members[0].address,
        "MASTER_PORT": str(members[0].store_port),
        "TORCHELASTIC_RUN_ID": run_id,
        "TORCHELASTIC_RESTART_COUNT": str(membership.generation - 1),
        "TORCHELASTIC_MAX_RESTARTS": str(MAX_RESTARTS),
        "TORCHELASTIC_USE_AGENT_STORE": "False",
        "TORCH_NCCL_ASYNC_ERROR_HANDLING": "1",
        "LLMTRAIN_GENERATION": str(membership.generation),
    }
