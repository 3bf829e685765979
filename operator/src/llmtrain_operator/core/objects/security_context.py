"""Security contexts: every pod of a job meets Pod Security `restricted`, except that RDMA needs locked memory."""

import re
from collections.abc import Iterable
from typing import Any

from llmtrain_api.pods import SecurityContext

_RDMA = re.compile(
    r"(?<![a-z0-9])((rdma|infiniband|roce|mlnx|hostdev)[a-z0-9]*|hca|efa|ib([ps][0-9a-z]+)?)(?![a-z0-9])"
)
"""A word in the name of a resource. `ibp24s0` and `ibs1` are names that Linux gives to InfiniBand adapters."""
LOCK_MEMORY = "IPC_LOCK"
"""Capability that network adapters need to register memory."""


def pod_security_context(context: SecurityContext) -> dict[str, Any]:
    """Return the security context of a pod: the user and groups of the job, or none for a cluster that assigns them."""
    fixed: dict[str, Any] = {"runAsNonRoot": True, "seccompProfile": {"type": "RuntimeDefault"}}
    if context.assigned_by == "Cluster":
        return fixed
    groups = {"supplementalGroups": context.supplemental_groups} if context.supplemental_groups else {}
    return {
        **fixed,
        "runAsUser": context.run_as_user,
        "runAsGroup": context.run_as_group,
        "fsGroup": context.fs_group,
        "fsGroupChangePolicy": "OnRootMismatch",
        **groups,
    }


def container_security_context(resources: Iterable[str]) -> dict[str, Any]:
    """Return the security context of a container that requests `resources`, by name."""
    added = {"add": [LOCK_MEMORY]} if any(map(is_rdma, resources)) else {}
    return {
        "allowPrivilegeEscalation": False,
        "readOnlyRootFilesystem": True,
        "capabilities": {"drop": ["ALL"], **added},
    }


def is_rdma(resource: str) -> bool:
    """Return whether a resource is a network adapter with remote direct memory access, such as rdma/hca or EFA."""
    return _RDMA.search(resource.lower()) is not None
