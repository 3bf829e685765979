"""The workers of a job: how many, with which resources, and what their pods need."""

from typing import Annotated, Literal

from pydantic import Field

from llmtrain_api.model import LabelKey, Labels, Model, ObjectName, Quantity, SubdomainName
from llmtrain_api.names import MAX_WORKERS
from llmtrain_api.pods import EnvironmentSource, EnvironmentVariable, Mount, PodAnnotations, PodLabels

ResourceAmount = Annotated[str, Field(min_length=1, max_length=16, pattern=r"^[0-9]+(Ki|Mi|Gi)?$")]
"""A whole amount of an extended resource, such as "8", or of hugepages, such as "5Gi"."""


class Resources(Model):
    """CPU, memory, scratch space and other resources of one worker. Requests equal limits, so nodes are not overcommitted."""

    cpu: Quantity = "1"
    """CPU cores of one worker, such as "4" or "500m". The whole cores are divided among its ranks as compute threads."""
    memory: Quantity = "2Gi"
    """Memory of one worker, such as "16Gi". What it writes to /dev/shm counts. A worker that exceeds it is killed, which counts as a failure."""
    scratch: Quantity | None = None
    """Ephemeral storage of one worker: size of /tmp, which is also HOME and holds caches, and limit of /tmp and the log together. A worker that exceeds it is evicted. Unset limits it to 5Gi and requests nothing, so nodes can be overcommitted."""
    extra: Annotated[dict[LabelKey, ResourceAmount], Field(max_length=16)] = Field(default_factory=dict)
    """Further resources of one worker by name, such as RDMA devices, EFA interfaces, hugepages or other accelerators. A worker with an RDMA or EFA resource gets the capability IPC_LOCK."""


class Toleration(Model):
    """Allows pods to run on nodes with a matching taint."""

    key: LabelKey
    """Key of the taint."""
    operator: Literal["Equal", "Exists"] = "Equal"
    """Equal requires the taint's value to equal `value`; Exists matches any value."""
    value: Annotated[str, Field(max_length=63)] = ""
    """Value of the taint, used with operator Equal."""
    effect: Literal["", "NoSchedule", "PreferNoSchedule", "NoExecute"] = ""
    """Effect of the taint to tolerate; empty tolerates all effects."""


class Workers(Model):
    """The pods that train, all alike. `kubectl scale ltj/NAME --replicas=N` changes their number."""

    min: Annotated[int, Field(ge=1, le=MAX_WORKERS)] = 1
    """Minimum number of workers; training waits while fewer are available. `replicas` cannot be scaled below it."""
    replicas: Annotated[int, Field(ge=1, le=MAX_WORKERS)] = 1
    """Desired number of workers. With gang scheduling they are scheduled all together or not at all, or as many of them as the compute pool has GPUs for."""
    max: Annotated[int, Field(ge=1, le=MAX_WORKERS)] = MAX_WORKERS
    """Maximum number of workers. `replicas` cannot be scaled above it."""
    gpus: Annotated[int, Field(ge=0, le=16)] = 0
    """GPUs of one worker. One trainer process (a rank) runs on each. 0 trains on the CPU with one rank."""
    resources: Resources = Resources()
    """CPU and memory of one worker."""
    pools: Annotated[list[ObjectName], Field(max_length=16)] = Field(default_factory=list)
    """Compute pools of the LLMCluster that the job can be placed in, in order of preference. Empty means all, in the order of the LLMCluster. All pods of the job are placed in one of them, which `status.pool` names. Immutable once the job has started, except while it is suspended."""
    node_selector: Labels = Field(default_factory=dict)
    """Labels that a node must have to run the pods of the job, in addition to those of the compute pool."""
    tolerations: Annotated[list[Toleration], Field(max_length=16)] = Field(default_factory=list)
    """Taints that the pods of the job tolerate, in addition to those of the compute pool."""
    env: Annotated[list[EnvironmentVariable], Field(max_length=64)] = Field(default_factory=list)
    """Environment variables of the workers and of the pods that prepare and publish. They take precedence over `envFrom`."""
    env_from: Annotated[list[EnvironmentSource], Field(max_length=16)] = Field(default_factory=list)
    """Secrets and ConfigMaps whose keys become environment variables of these pods."""
    mounts: Annotated[list[Mount], Field(max_length=32)] = Field(default_factory=list)
    """Claims, Secrets, ConfigMaps, empty volumes and images that these pods mount."""
    shared_memory: Quantity | None = None
    """Size of /dev/shm. It is part of `resources.memory`, and defaults to half of it."""
    annotations: PodAnnotations = Field(default_factory=dict)
    """Annotations of all pods of the job, the coordinator included."""
    labels: PodLabels = Field(default_factory=dict)
    """Labels of all pods of the job, the coordinator included."""
    runtime_class: SubdomainName | None = None
    """RuntimeClass of the pods that run the trainer image, such as nvidia. Defaults to the runtime of the node."""

    @property
    def ranks(self) -> int:
        """Return the trainer processes of one worker."""
        return max(self.gpus, 1)
