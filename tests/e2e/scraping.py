"""Service discovery for a Prometheus outside of the cluster: it scrapes annotated pods and services through the API server.

Debian's Prometheus is built without Kubernetes service discovery, so this module writes its list of targets.
"""

import base64
import json
import threading
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import yaml

from e2e.kube import Kube, Manifest

POLL_INTERVAL_SECONDS = 0.5
SCRAPE_SECONDS = 1
ANNOTATION = "prometheus.io"


class Targets:
    """A thread that keeps the list of targets up to date."""

    def __init__(self, kube: Kube, folder: Path) -> None:
        self._kube, self._file = kube, folder / "targets.json"
        self._ended = threading.Event()
        user = yaml.safe_load(Path(kube.environment["KUBECONFIG"]).read_text())
        self._server = urlsplit(user["clusters"][0]["cluster"]["server"])
        self._files = {}
        for name in ("client-certificate", "client-key"):
            self._files[name] = folder / name
            self._files[name].touch(mode=0o600)
            self._files[name].write_bytes(base64.b64decode(user["users"][0]["user"][f"{name}-data"]))
        self._write()
        self._thread = threading.Thread(target=self._look, name="targets", daemon=True)
        self._thread.start()

    def scrape_config(self, interval: str = "1s") -> dict[str, Any]:
        """Return the scrape config of all targets, which honours the labels of exporters."""
        return {
            "job_name": "llmtrain",
            "honor_labels": True,
            "scheme": self._server.scheme,
            "scrape_interval": interval,
            "scrape_timeout": interval,
            "tls_config": {
                "cert_file": str(self._files["client-certificate"]),
                "key_file": str(self._files["client-key"]),
                "insecure_skip_verify": True,
            },
            "file_sd_configs": [{"files": [str(self._file)], "refresh_interval": "5s"}],
        }

    def end(self) -> None:
        """Stop the discovery."""
        self._ended.set()
        self._thread.join()

    def _look(self) -> None:
        while not self._ended.wait(POLL_INTERVAL_SECONDS):
            self._write()

    def _write(self) -> None:
        found = self._kube.run("get", "pods,services", "--all-namespaces", "-o", "json", check=False)
        if found.returncode:
            return
        targets = [self._target(item) for item in json.loads(found.stdout)["items"] if scraped(item)]
        text = json.dumps(targets)
        if not self._file.exists() or self._file.read_text() != text:
            aside = self._file.with_suffix(".new")
            aside.write_text(text)
            aside.rename(self._file)

    def _target(self, item: Manifest) -> dict[str, Any]:
        kind, meta = item["kind"].lower() + "s", item["metadata"]
        port = meta["annotations"][f"{ANNOTATION}/port"]
        path = meta["annotations"].get(f"{ANNOTATION}/path", "/metrics")
        return {
            "targets": [self._server.netloc],
            "labels": {
                "__metrics_path__": f"/api/v1/namespaces/{meta['namespace']}/{kind}/{meta['name']}:{port}/proxy{path}",
                # In a cluster it is a pod's address: another pod of the name is another instance.
                "instance": f"{meta['namespace']}/{meta['name']}/{meta['uid']}",
            },
        }


def scraped(item: Manifest) -> bool:
    """Return whether a running pod, or a service, is annotated for scraping."""
    annotations = item["metadata"].get("annotations", {})
    runs = item["kind"] == "Service" or item["status"].get("phase") == "Running"
    return annotations.get(f"{ANNOTATION}/scrape") == "true" and runs
