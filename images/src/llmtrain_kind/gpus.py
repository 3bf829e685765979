"""GPUs that exist in the nodes' status only.

The scheduler and quotas treat them as real; containers get no device. The kubelet drops them when it restarts, so `up`
advertises them again.
"""

import json
from typing import Any

from llmtrain_kind.kubectl import Kubectl, is_worker

GPU_RESOURCE = "nvidia.com/gpu"
GPUS_PER_WORKER = 8


def advertise_gpus(kubectl: Kubectl, nodes: list[dict[str, Any]]) -> list[str]:
    """Advertise GPUs on every worker node; return the nodes that lacked them."""
    desired = str(GPUS_PER_WORKER)
    lacking = [
        node["metadata"]["name"]
        for node in nodes
        if is_worker(node) and node["status"]["capacity"].get(GPU_RESOURCE) != desired
    ]
    patch = json.dumps({"status": {"capacity": {GPU_RESOURCE: desired}}})
    for name in lacking:
        kubectl.run("patch", "node", name, "--subresource=status", "--type=merge", "-p", patch)
    return lacking
