"""Paths of the repository and of the cache.

~/.cache/llmtrain/            or $LLMTRAIN_CACHE
  tools/<key>/bin             kind, kubectl, helm and the node's binaries
  prometheus/<version>/       Debian's package of Prometheus, unpacked
  build/                      contexts of image builds, overwritten by each
  archives/                   image archives, mounted into every node
  clusters/<name>/            kubeconfig, cluster.json, shared/ (volumes)
"""

import os
from dataclasses import dataclass
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parents[3]
IMAGES = REPOSITORY / "images"
KIND_NODE = IMAGES / "kind-node"


def cache_folder() -> Path:
    """Return the cache folder: all of it can be built again."""
    configured = os.environ.get("LLMTRAIN_CACHE")
    return Path(configured) if configured else Path.home() / ".cache" / "llmtrain"


@dataclass(frozen=True, kw_only=True)
class ClusterPaths:
    """Paths of one cluster."""

    name: str

    @property
    def folder(self) -> Path:
        """Return the cluster's folder; `down` deletes it."""
        return cache_folder() / "clusters" / self.name

    @property
    def kubeconfig(self) -> Path:
        """Return the path of the administrator's kubeconfig."""
        return self.folder / "kubeconfig"

    @property
    def record(self) -> Path:
        """Return the path of the record of how the cluster was created, as JSON."""
        return self.folder / "cluster.json"

    @property
    def shared(self) -> Path:
        """Return the folder of all volumes, which every node mounts."""
        return self.folder / "shared"


def archives_folder() -> Path:
    """Return the folder of image archives, which every node mounts read-only."""
    return cache_folder() / "archives"
