"""The coordinators that run, each read once for each version of its job and its pod: they are asked every few seconds."""

from typing import NamedTuple

from llmtrain_api.names import coordinator_name
from llmtrain_operator.core.manifest import Manifest
from llmtrain_operator.shell.coordinator_poller import Target
from llmtrain_operator.shell.observe import observe_coordinator
from llmtrain_operator.shell.store import JobKey, Store


class Found(NamedTuple):
    """What was read last of a job."""

    job: Manifest
    pod: Manifest
    target: Target


class CoordinatorTargets:
    """Jobs with the pods of their coordinators, by key of the job."""

    def __init__(self, store: Store) -> None:
        self.store = store
        self.found: dict[JobKey, Found] = {}

    def find(self, key: JobKey) -> Target | None:
        """Return a job and the pod of its coordinator; None if none runs. ValidationError if the job cannot be read."""
        job, pod = self.store.jobs.get(key), self.store.pods_of.get(key, {}).get(coordinator_name(key[1]))
        before = self.found.get(key)
        if before is not None and before.job is job and before.pod is pod:
            return before.target
        target = observe_coordinator(self.store, key)
        if target is None or job is None or pod is None:
            self.discard(key)
        else:
            self.found[key] = Found(job, pod, target)
        return target

    def discard(self, key: JobKey) -> None:
        """Forget a job."""
        self.found.pop(key, None)
