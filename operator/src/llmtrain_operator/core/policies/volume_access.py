"""Volume access: whether the volumes of a job can be mounted on several nodes, or its workers must share one."""

from collections.abc import Mapping

from llmtrain_api.cluster import ClusterSpec
from llmtrain_api.job import JobSpec
from llmtrain_operator.core.manifest import Manifest, texts_at
from llmtrain_operator.core.objects.volumes import claims_of

ONE_NODE = frozenset({"ReadWriteOnce", "ReadWriteOncePod"})
"""Access modes of volumes that only one node can mount at a time."""


def needs_one_node(spec: JobSpec, cluster: ClusterSpec | None, claims: Mapping[str, Manifest]) -> bool:
    """Return whether a volume of the job can be mounted on one node only; `claims` are those of its namespace, by name."""
    pools = {pool.name: pool.access_mode for pool in cluster.storage_pools} if cluster else {}
    for _, name in claims_of(spec):
        modes = texts_at(claims.get(name), "spec", "accessModes") or ((pools[name],) if name in pools else ())
        if modes and ONE_NODE.issuperset(modes):
            return True
    return False
