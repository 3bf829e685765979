"""What people's pods need besides resources: variables, mounts, labels, and who they run as."""

from typing import Annotated, Literal

from pydantic import BeforeValidator, Field

from llmtrain_api.model import LabelKey, Model, Quantity, SubdomainName

USER_ID = 65532
"""User and group that containers run as by default; the images declare the same."""
_SEGMENT = r"\.?[A-Za-z0-9_@+=,~-][A-Za-z0-9._@+=,~-]*"
"""A file name. It is neither "." nor ".."."""

ConfigKey = Annotated[str, Field(min_length=1, max_length=253, pattern=r"^[-._A-Za-z0-9]+$")]
"""A key of a Secret or ConfigMap."""
PodLabelValue = Annotated[str, Field(max_length=63, pattern=r"^([A-Za-z0-9]([-A-Za-z0-9_.]*[A-Za-z0-9])?)?$")]
PodLabels = Annotated[dict[LabelKey, PodLabelValue], Field(max_length=32)]
PodAnnotations = Annotated[dict[LabelKey, Annotated[str, Field(max_length=4096)]], Field(max_length=32)]


def _name_alone(value: object) -> object:
    """Return the name of an object. ValueError for the form that variables had before, with name and key in a map."""
    if isinstance(value, dict):
        raise ValueError("must be a name, not a map with name and key; write the name here, and key beside it")
    return value


KeyedName = Annotated[SubdomainName, BeforeValidator(_name_alone)]
"""The name of a Secret or ConfigMap of which one key is used."""


class EnvironmentVariable(Model):
    """One environment variable. Set at most one of `value`, `secret` and `configMap`, and `key` with the last two."""

    name: Annotated[str, Field(min_length=1, max_length=128, pattern=r"^[A-Za-z_][A-Za-z0-9_]*$")]
    """Name of the variable. The prefix LLMTRAIN_ is reserved. NVIDIA_VISIBLE_DEVICES belongs to the device plugin: it is void in pods without GPUs, and not set in pods with GPUs."""
    value: Annotated[str, Field(max_length=1024)] = ""
    """Value of the variable."""
    secret: KeyedName | None = None
    """Name of a Secret in the namespace of the job, of which `key` holds the value."""
    config_map: KeyedName | None = None
    """Name of a ConfigMap in the namespace of the job, of which `key` holds the value."""
    key: ConfigKey | None = None
    """Key of the Secret or ConfigMap."""


class EnvironmentSource(Model):
    """A Secret or ConfigMap whose keys become environment variables. Set exactly one of `secret` and `configMap`."""

    prefix: Annotated[str, Field(max_length=64, pattern=r"^([A-Za-z_][A-Za-z0-9_]*)?$")] = ""
    """Text before each key in the name of its variable."""
    secret: SubdomainName | None = None
    """Name of a Secret in the namespace of the job."""
    config_map: SubdomainName | None = None
    """Name of a ConfigMap in the namespace of the job."""


class Mount(Model):
    """A volume and where it is mounted. Set exactly one of `claim`, `secret`, `configMap`, `scratch` and `image`."""

    path: Annotated[str, Field(min_length=2, max_length=256, pattern=rf"^(/{_SEGMENT})+$")]
    """Absolute path in the container, such as /data. Paths that the trainer uses itself are reserved."""
    claim: SubdomainName | None = None
    """PersistentVolumeClaim in the namespace of the job, or a storage pool of the LLMCluster."""
    secret: SubdomainName | None = None
    """Secret in the namespace of the job; each key is a file."""
    config_map: SubdomainName | None = None
    """ConfigMap in the namespace of the job; each key is a file."""
    scratch: Quantity | None = None
    """Size of an empty volume on the node's disk, which is deleted with the pod. It counts in addition to `resources.scratch` and is always writable."""
    image: Annotated[str, Field(min_length=1, max_length=512)] | None = None
    """Image whose files are mounted, such as a dataset or a model in a registry. The Kubernetes cluster must support image volumes."""
    sub_path: Annotated[str, Field(max_length=256, pattern=rf"^({_SEGMENT}(/{_SEGMENT})*)?$")] = ""
    """Folder or file in the volume to mount in place of its root."""
    read_only: bool = True
    """Whether the pods can only read a claim. Secrets, ConfigMaps and images are always read-only."""


class ServiceAccount(Model):
    """ServiceAccount of the pods, such as one that a cloud trusts (workload identity)."""

    name: Annotated[str, Field(max_length=253, pattern=r"^([a-z0-9]([-a-z0-9.]*[a-z0-9])?)?$")] = ""
    """ServiceAccount in the namespace of the job. Defaults to that of the namespace."""
    mount_token: bool = False
    """Whether pods that run the trainer image can call the Kubernetes API: its token is mounted. Workload identity does not need that."""


class SecurityContext(Model):
    """User and groups of the containers. Everything else that Pod Security `restricted` asks for is fixed."""

    assigned_by: Literal["Job", "Cluster"] = "Job"
    """Job runs the containers as the user and groups below. Cluster leaves the choice to the Kubernetes cluster, as OpenShift requires."""
    run_as_user: Annotated[int, Field(ge=1, le=2147483647)] = USER_ID
    """User id, such as that of the owner of files on an NFS server."""
    run_as_group: Annotated[int, Field(ge=0, le=2147483647)] = USER_ID
    """Primary group id."""
    fs_group: Annotated[int, Field(ge=0, le=2147483647)] = USER_ID
    """Group that owns the files of volumes whose driver supports it."""
    supplemental_groups: Annotated[list[Annotated[int, Field(ge=0, le=2147483647)]], Field(max_length=32)] = Field(
        default_factory=list
    )
    """Further groups, such as those that an NFS server grants access to."""
