"""Loads images into the container runtimes of the nodes."""

from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from llmtrain_kind.app_images import AppImage
from llmtrain_kind.cluster import Cluster
from llmtrain_kind.commands import run
from llmtrain_kind.kind_config import ARCHIVES_IN_NODE
from llmtrain_kind.oci_layout import Layout, export_layout, write_archive
from llmtrain_kind.paths import archives_folder, cache_folder
from llmtrain_kind.progress import step
from llmtrain_kind.provider import Flavour


def load_app_image(cluster: Cluster, image: AppImage, reference: str) -> list[str]:
    """Load an image into the nodes that can run it; return those that lacked it.

    The control plane is tainted, so only a DaemonSet's image is loaded there.
    """
    names = cluster.node_names if image.on_control_plane else cluster.node_names[1:]
    engine = cluster.provider.engine
    lacking = [name for name in names if not has_image(engine, name, reference)]
    if not lacking:
        return []
    with step(f"loading {reference} into {', '.join(lacking)}"):
        if cluster.provider.flavour is Flavour.STOCK:
            where = ("--name", cluster.name, "--nodes", ",".join(lacking))
            command = (cluster.tools / "kind", "load", "docker-image", reference, *where)
            run(command, environment=cluster.provider.environment)
        else:
            layout = export_layout(reference, cache_folder() / "layouts" / image.name)
            for nodes, archive in _archives(engine, lacking, layout):
                _import(engine, nodes, archive)
    return lacking


def has_image(engine: str, node: str, reference: str) -> bool:
    """Return whether a node's runtime has an image of this name."""
    return reference in _ctr(engine, node, "images", "ls", "-q", f"name=={reference}")


def _archives(engine: str, nodes: Sequence[str], layout: Layout) -> Iterator[tuple[list[str], Path]]:
    """Yield an archive for each group of nodes that lack the same layers; it is deleted after use."""
    groups: dict[frozenset[str], list[str]] = {}
    for node in nodes:
        present = frozenset(_ctr(engine, node, "content", "ls", "-q"))
        groups.setdefault(present.intersection(layout.blobs), []).append(node)
    for present, members in groups.items():
        archive = archives_folder() / f"{layout.folder.name}.tar"
        try:
            write_archive(layout, present, archive)
            yield members, archive
        finally:
            archive.unlink(missing_ok=True)


def _import(engine: str, nodes: Sequence[str], archive: Path) -> None:
    """Import an archive; the runtime takes the layers it lacks from earlier images."""
    path_in_node = str(Path(ARCHIVES_IN_NODE) / archive.name)
    with ThreadPoolExecutor() as pool:
        list(pool.map(lambda node: _ctr(engine, node, "images", "import", path_in_node), nodes))


def _ctr(engine: str, node: str, *arguments: str) -> list[str]:
    return run([engine, "exec", node, "ctr", "-n", "k8s.io", *arguments]).split()
