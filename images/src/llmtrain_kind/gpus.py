"""GPUs that only exist in the nodes' status.

The scheduler and quotas treat them as real; containers get no device. The kubelet
forgets them when it restarts, so `up` says them again.
"""

import json
from typing import Any

from llmtrain_kind.kubectl import Kubectl, is_worker

GPU_RESOURCE = "nvidia.com/gpu"
GPUS_PER_WORKER = 8


def advertise_gpus(kubectl: Kubectl, nodes: list[dict[str, Any]]) -> list[str]:
    """Give every worker node its GPUs; returns the nodes that lacked them."""
    wanted = str(GPUS_PER_WORKER)
    lacking = [
        node["metadata"]["name"]
        for node in nodes
        if is_worker(node) and node["status"]["capacity"].get(GPU_RESOURCE) != wanted
    ]
    patch = json.dumps({"status": {"capacity": {GPU_RESOURCE: wanted}}})
    for name in lacking:
        kubectl.run("patch", "node", name, "--subresource=status", "--type=merge", "-p", patch)
    return lacking
