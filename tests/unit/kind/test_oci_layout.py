"""Archives omit the layers that a node has."""

import json
import tarfile
from pathlib import Path

from llmtrain_kind.oci_layout import Layout, read_layout, write_archive

REFERENCE = "localhost/llmtrain-operator:0123456789ab"


def layout(folder: Path) -> Layout:
    """Return the layout of an image of two layers."""
    blobs = folder / "blobs" / "sha256"
    blobs.mkdir(parents=True)
    layers = [{"digest": "sha256:base"}, {"digest": "sha256:sources"}]
    manifest = {"config": {"digest": "sha256:config"}, "layers": layers}
    (blobs / "manifest").write_text(json.dumps(manifest))
    for name in ("config", "base", "sources"):
        (blobs / name).write_text(name)
    annotations = {"org.opencontainers.image.ref.name": "exported"}
    entry = {"mediaType": "m", "digest": "sha256:manifest", "size": 1, "annotations": annotations}
    later = {"mediaType": "m", "digest": "sha256:another", "size": 1}
    (folder / "index.json").write_text(json.dumps({"manifests": [entry, later]}))
    return read_layout(folder, REFERENCE)


def test_a_layout_is_of_the_image_exported_last_and_lists_manifest_configuration_and_layers(tmp_path: Path) -> None:
    expected = ("sha256:manifest", "sha256:config", "sha256:base", "sha256:sources")
    assert layout(tmp_path).blobs == expected


def test_an_archive_holds_the_missing_layers_and_the_name_of_the_image(tmp_path: Path) -> None:
    archive = tmp_path / "a.tar"
    write_archive(layout(tmp_path / "layout"), ["sha256:base"], archive)
    with tarfile.open(archive) as tar:
        names = set(tar.getnames())
        index = tar.extractfile("index.json")
        assert index is not None
        annotations = json.load(index)["manifests"][0]["annotations"]
    blobs = {f"blobs/sha256/{name}" for name in ("manifest", "config", "sources")}
    assert names == {"oci-layout", "index.json", *blobs}
    assert annotations == {"io.containerd.image.name": REFERENCE}
