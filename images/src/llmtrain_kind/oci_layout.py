"""Image archives without the layers that a node already has.

An image is exported once as an OCI layout, a folder of blobs named by their digest; the archive for a node holds the
manifest, the configuration and the missing layers.
"""

import io
import json
import tarfile
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from llmtrain_kind.commands import run

_NAME_ANNOTATION = "io.containerd.image.name"
_REF_NAME = "org.opencontainers.image.ref.name"
_EXPORTED = "exported"


@dataclass(frozen=True, kw_only=True)
class Layout:
    """An image in a folder of blobs."""

    folder: Path
    reference: str
    manifest: dict[str, object]
    blobs: tuple[str, ...]
    """Digests: the manifest, the configuration, then the layers from the bottom."""

    def blob(self, digest: str) -> Path:
        """Return the path of a digest such as `sha256:…`."""
        return self.folder / "blobs" / digest.replace(":", "/")


def export_layout(reference: str, folder: Path) -> Layout:
    """Copy an image from the engine's store to `folder`, uncompressed; return the layout.

    Existing blobs are not copied again; blobs of older images are deleted.
    """
    accept = "--dest-oci-accept-uncompressed-layers"
    source, destination = f"containers-storage:{reference}", f"oci:{folder}:{_EXPORTED}"
    folder.parent.mkdir(parents=True, exist_ok=True)
    run(["skopeo", "copy", "-q", "--insecure-policy", accept, source, destination])
    layout = read_layout(folder, reference)
    for file in (folder / "blobs" / "sha256").iterdir():
        if f"sha256:{file.name}" not in layout.blobs:
            file.unlink()
    return layout


def read_layout(folder: Path, reference: str) -> Layout:
    """Return the image that was last exported to a folder. It has the name; its entry can be older than others."""
    index = json.loads((folder / "index.json").read_text())
    named = (entry for entry in index["manifests"] if entry.get("annotations", {}).get(_REF_NAME) == _EXPORTED)
    entry = next(named)
    digest = entry["digest"]
    manifest = json.loads((folder / "blobs" / digest.replace(":", "/")).read_text())
    layers = [layer["digest"] for layer in manifest["layers"]]
    return Layout(
        folder=folder,
        reference=reference,
        manifest={key: entry[key] for key in ("mediaType", "digest", "size")},
        blobs=(digest, manifest["config"]["digest"], *layers),
    )


def write_archive(layout: Layout, present: Iterable[str], archive: Path) -> None:
    """Write an archive for a node that has the `present` digests."""
    excluded = set(present)
    index = {
        "schemaVersion": 2,
        "manifests": [{**layout.manifest, "annotations": {_NAME_ANNOTATION: layout.reference}}],
    }
    with tarfile.open(archive, "w") as tar:
        _add_text(tar, "oci-layout", json.dumps({"imageLayoutVersion": "1.0.0"}))
        _add_text(tar, "index.json", json.dumps(index))
        for digest in dict.fromkeys(layout.blobs):
            if digest not in excluded:
                tar.add(layout.blob(digest), f"blobs/{digest.replace(':', '/')}")


def _add_text(tar: tarfile.TarFile, name: str, text: str) -> None:
    entry = tarfile.TarInfo(name)
    entry.size = len(text.encode())
    tar.addfile(entry, io.BytesIO(text.encode()))
