"""Where pods run: the fields of a pod that select its nodes, of the job's compute pool and of the job itself."""

from typing import Any

from llmtrain_api.cluster import ComputePool
from llmtrain_api.workers import Toleration, Workers
from llmtrain_operator.core.pools import job_tolerations


def placement(workers: Workers, pool: ComputePool | None) -> dict[str, Any]:
    """Return the fields of a pod's spec that select its nodes; `pool` is None in an LLMCluster without compute pools.

    The pool's labels have precedence, so that no job leaves its pool.
    """
    selector = {**workers.node_selector, **(pool.node_selector if pool else {})}
    tolerations = [toleration_fields(toleration) for toleration in job_tolerations(workers, pool)]
    return {
        **({"nodeSelector": selector} if selector else {}),
        **({"tolerations": tolerations} if tolerations else {}),
    }


def toleration_fields(toleration: Toleration) -> dict[str, Any]:
    """Return a toleration as a pod has it, without empty fields."""
    return {key: value for key, value in toleration.document().items() if value != ""}
