"""Volumes of pods: temporary files, shared memory, the run config, claims, and what the job mounts."""

from collections.abc import Iterable
from dataclasses import dataclass
from math import ceil
from typing import Any

from llmtrain_api.job import JobSpec
from llmtrain_api.names import RUN_CONFIG_DIRECTORY, VOLUMES_DIRECTORY, run_config_name
from llmtrain_api.pods import Mount
from llmtrain_api.quantity import is_positive, parse_quantity
from llmtrain_api.workers import Workers

TMP_DIRECTORY = "/tmp"
"""The only folder of a container's root that is writable; also HOME, so that caches can be written."""
EPHEMERAL_STORAGE = "ephemeral-storage"
DEFAULT_SCRATCH = "5Gi"
"""Limit of a worker's ephemeral storage if its job names none."""
SHARED_MEMORY_DIRECTORY = "/dev/shm"


@dataclass(frozen=True, kw_only=True)
class Volume:
    """A volume, and where the container mounts it."""

    name: str
    source: dict[str, Any]
    path: str
    read_only: bool = False
    sub_path: str = ""

    @property
    def mount(self) -> dict[str, Any]:
        """The item of `volumeMounts`."""
        options = {"readOnly": self.read_only, "subPath": self.sub_path}
        return {"name": self.name, "mountPath": self.path, **{name: value for name, value in options.items() if value}}


def limit(size: str | None, default: str) -> str:
    """Return a size as a limit: `default` if it is unset or 0, which older versions accepted and is no limit."""
    return size if size is not None and is_positive(size) else default


def tmp_volume(size: str) -> Volume:
    """Return the volume for temporary files and caches."""
    return Volume(name="tmp", source={"emptyDir": {"sizeLimit": size}}, path=TMP_DIRECTORY)


def shared_memory_volume(workers: Workers) -> Volume:
    """Return /dev/shm, which is memory of the container. Data loaders and NCCL pass data through it."""
    half = parse_quantity(workers.resources.memory) / 2
    size = limit(workers.shared_memory, str(max(1, int(half))))
    source = {"emptyDir": {"medium": "Memory", "sizeLimit": size}}
    return Volume(name="shm", source=source, path=SHARED_MEMORY_DIRECTORY)


def run_config_volume(job: str, uid: str) -> Volume:
    """Return the ConfigMap with the run config of the job with this name and UID."""
    source = {"configMap": {"name": run_config_name(job, uid)}}
    return Volume(name="run", source=source, path=RUN_CONFIG_DIRECTORY)


def claim_volumes(claims: Iterable[str], *, read_only: Iterable[str] = ()) -> tuple[Volume, ...]:
    """Return PersistentVolumeClaims, each once, mounted at /volumes/<claim>; those of `read_only` alone can't be written."""
    writable = dict.fromkeys(claims)
    return tuple(
        Volume(
            name=f"volume-{number}",
            source=claim_source(claim),
            path=f"{VOLUMES_DIRECTORY}/{claim}",
            read_only=claim not in writable,
        )
        for number, claim in enumerate(dict.fromkeys((*writable, *read_only)))
    )


def mounted_volumes(mounts: Iterable[Mount]) -> tuple[Volume, ...]:
    """Return the volumes of `spec.workers.mounts`. Only claims and scratch can be writable."""
    return tuple(
        Volume(
            name=f"mount-{number}",
            source=mount_source(mount),
            path=mount.path,
            read_only=mount.read_only and mount.scratch is None,
            sub_path=mount.sub_path,
        )
        for number, mount in enumerate(mounts)
    )


def claim_source(claim: str) -> dict[str, Any]:
    """Return the source of a volume that is a PersistentVolumeClaim."""
    return {"persistentVolumeClaim": {"claimName": claim}}


def mount_source(mount: Mount) -> dict[str, Any]:
    """Return the source of the volume of one mount."""
    if mount.claim is not None:
        return claim_source(mount.claim)
    if mount.secret is not None:
        return {"secret": {"secretName": mount.secret}}
    if mount.config_map is not None:
        return {"configMap": {"name": mount.config_map}}
    if mount.image is not None:
        return {"image": {"reference": mount.image}}
    return {"emptyDir": {"sizeLimit": limit(mount.scratch, DEFAULT_SCRATCH)}}


def ephemeral_storage(workers: Workers, *, default: str) -> str:
    """Return the ephemeral storage of a worker: its scratch space, or `default`, and the mounts that are scratch."""
    scratch = limit(workers.resources.scratch, default)
    mounted = [limit(mount.scratch, default) for mount in workers.mounts if mount.scratch is not None]
    return str(ceil(sum(map(parse_quantity, (scratch, *mounted))))) if mounted else scratch


def claims_of(spec: JobSpec) -> tuple[tuple[str, str], ...]:
    """Return the fields of the spec that name a claim or a storage pool, with the name."""
    return (
        ("spec.data.source.volume", spec.data.source.volume),
        ("spec.checkpoint.volume", spec.checkpoint.volume),
        *(
            (f"spec.model.{name}.{'job' if files.job else 'volume'}", files.volume)
            for name, files in (("from", spec.model.source), ("vectors", spec.model.vectors))
            if files and files.volume
        ),
        *(
            (f"spec.workers.mounts[{number}].claim", mount.claim)
            for number, mount in enumerate(spec.workers.mounts)
            if mount.claim is not None
        ),
    )
