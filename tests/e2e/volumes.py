"""Files on a claim that jobs read: a pod of the operator's image writes them."""

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from e2e.kube import Kube, installed_image

WRITE_FILES = """
import json, pathlib, sys
for name, text in json.loads(sys.argv[1]).items():
    file = pathlib.Path('/v', name)
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(text)
"""


@contextmanager
def claim_with(kube: Kube, name: str) -> Iterator[None]:
    """Create a claim, and delete it and the pod that writes to it afterwards."""
    spec = {"accessModes": ["ReadWriteMany"], "resources": {"requests": {"storage": "1Gi"}}}
    kube.apply({"apiVersion": "v1", "kind": "PersistentVolumeClaim", "metadata": {"name": name}, "spec": spec})
    yield
    kube.run("delete", f"pod/write-{name}", f"pvc/{name}", "--ignore-not-found", "--wait=false")


def write_files(kube: Kube, claim: str, files: Mapping[str, str]) -> None:
    """Write files, by their names relative to the root of the volume, and wait until they are there."""
    pod = writer(f"write-{claim}", claim, installed_image(kube), files)
    kube.apply(pod)
    name = pod["metadata"]["name"]
    kube.wait("the files are written", lambda: (kube.get("pod", name) or {})["status"]["phase"] == "Succeeded")


def writer(name: str, claim: str, image: str, files: Mapping[str, str]) -> dict[str, Any]:
    """Return the pod."""
    container = {
        "name": "writer",
        "image": image,
        "command": ["python3", "-c", WRITE_FILES, json.dumps(files)],
        "volumeMounts": [{"name": "v", "mountPath": "/v"}],
    }
    volumes = [{"name": "v", "persistentVolumeClaim": {"claimName": claim}}]
    security = {"runAsUser": 65532, "runAsGroup": 65532, "fsGroup": 65532}
    spec = {"restartPolicy": "Never", "containers": [container], "volumes": volumes, "securityContext": security}
    return {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": name}, "spec": spec}
