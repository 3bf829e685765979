"""Where things lie: the repository's folders and the cache.

~/.cache/llmtrain/            or LLMTRAIN_CACHE
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
    """The folder of everything that can be made again."""
    given = os.environ.get("LLMTRAIN_CACHE")
    return Path(given) if given else Path.home() / ".cache" / "llmtrain"


@dataclass(frozen=True, kw_only=True)
class ClusterPaths:
    """The folder of one cluster."""

    name: str

    @property
    def folder(self) -> Path:
        """Everything of this cluster; removed by `down`."""
        return cache_folder() / "clusters" / self.name

    @property
    def kubeconfig(self) -> Path:
        """Credentials of the cluster's administrator."""
        return self.folder / "kubeconfig"

    @property
    def record(self) -> Path:
        """How the cluster was made, as JSON."""
        return self.folder / "cluster.json"

    @property
    def shared(self) -> Path:
        """Mounted into every node: the volumes of all claims."""
        return self.folder / "shared"


def archives_folder() -> Path:
    """Mounted read-only into every node: image archives to import."""
    return cache_folder() / "archives"
