"""The jobs whose pods are on a node: a change of one node concerns no other jobs."""

from llmtrain_operator.core.manifest import Manifest
from llmtrain_operator.shell.relevance import JobKey, node_of


class JobsOnNodes:
    """The job of each pod of a job that has a node. A node without such pods is not kept."""

    def __init__(self) -> None:
        self.jobs: dict[str, dict[str, JobKey]] = {}
        """By node and uid of the pod."""

    def of(self, node: str) -> frozenset[JobKey]:
        """Return the jobs that have pods on a node."""
        return frozenset(self.jobs.get(node, {}).values())

    def move(self, uid: str, before: tuple[JobKey, Manifest] | None, after: tuple[JobKey, Manifest] | None) -> None:
        """Move the pod with a uid from its node before to its node now; each with the job of the pod, None without a pod."""
        if before is not None and (node := node_of(before[1])):
            jobs = self.jobs.get(node, {})
            jobs.pop(uid, None)
            if not jobs:
                self.jobs.pop(node, None)
        if after is not None and (node := node_of(after[1])):
            self.jobs.setdefault(node, {})[uid] = after[0]
