"""The fabric of a compute pool: what a worker needs to use the network between the nodes, beside its devices."""

from llmtrain_api.cluster import Fabric
from llmtrain_operator.core.manifest import Manifest
from llmtrain_operator.core.objects.security_context import LOCK_MEMORY


def add_fabric(worker: Manifest, fabric: Fabric) -> None:
    """Add the fabric to the manifest of a worker, which is complete otherwise. What the worker has already stays."""
    container = worker["spec"]["containers"][0]
    if fabric.annotations:
        worker["metadata"]["annotations"] = {**fabric.annotations, **worker["metadata"].get("annotations", {})}
    if fabric.env:
        names = {variable["name"] for variable in container["env"]}
        variables = [variable.document() for variable in fabric.env if variable.name not in names]
        container["env"] = [*variables, *container["env"]]
    if fabric.lock_memory:
        context = container["securityContext"]
        capabilities = {**context["capabilities"], "add": [LOCK_MEMORY]}
        container["securityContext"] = {**context, "capabilities": capabilities}
