"""Puts a fake driver and a device plugin on the worker nodes, and lets the installed agents read that driver."""

import base64
import json
from dataclasses import replace
from hashlib import sha256
from pathlib import Path
from typing import Any

from e2e.kube import ROOT, Kube, installed_image
from support.fake_nvml import NAME, compiled

NAMESPACE, FOLDER, MOUNT = "fake-gpus", "/var/lib/fake-gpus", "/usr/local/nvidia/lib64"
"""Where the driver's files are on a node, and where agents see them."""
PLUGIN = ROOT / "tests" / "e2e" / "device_plugin.py"
SYSTEM = ("-n", "llmtrain-system")
BUSY = """\
- gpus 8
- driver 580.65.06
* name NVIDIA_H100_80GB_HBM3
* memory_total 85520809984
* memory_used 40000000000
* utilization 75
* memory_utilization 40
* temperature 61
* power 500000
* power_limit 700000
* energy +500000
* clock_sm 1980
* clock_memory 2619
* throttle 0
* ecc_corrected 0
* ecc_uncorrected 0
* nvlink_received +3000000
* nvlink_sent +2000000
* gpm 1
* gpm_sm 70
* gpm_tensor 45
* gpm_pcie_received 800
* gpm_pcie_sent 50
* xids none
* mig 0
"""
"""Default answers of the driver."""


def given(version: str) -> dict[str, Any]:
    """Return a patch that mounts the driver's libraries, as a container runtime does. A new version replaces the pods.

    `agent.driverLibraries` would make the agent privileged, for devices that this driver doesn't have.
    """
    container = {
        "name": "agent",
        "env": [{"name": "LD_LIBRARY_PATH", "value": MOUNT}],
        "volumeMounts": [{"name": "driver", "mountPath": MOUNT, "readOnly": True}],
    }
    volume = {"name": "driver", "hostPath": {"path": FOLDER, "type": "DirectoryOrCreate"}}
    template = {
        "metadata": {"annotations": {"fake-gpus": version}},
        "spec": {"containers": [container], "volumes": [volume]},
    }
    return {"spec": {"template": template}}


class FakeGpus:
    """The GPUs of the worker nodes."""

    def __init__(self, kube: Kube) -> None:
        self._kube = replace(kube, namespace=NAMESPACE)

    def install(self, folder: Path) -> None:
        """Install the driver and the plugin, and wait until the kubelets and the agents report the GPUs."""
        kube = self._kube
        kube.run("create", "namespace", NAMESPACE, check=False)
        library = compiled(folder, f"{MOUNT}/script") / NAME
        files = {
            "apiVersion": "v1",
            "kind": "ConfigMap",
            "metadata": {"name": "files"},
            "data": {"plugin.py": PLUGIN.read_text(), "script": BUSY},
            "binaryData": {NAME: base64.b64encode(library.read_bytes()).decode()},
        }
        version = sha256(json.dumps(files).encode()).hexdigest()
        kube.apply(files, self._daemon_set(version))
        kube.run("rollout", "status", "daemonset/fake-gpus", "--timeout=100s")
        kube.wait("every plugin has registered", self._registered, 60)
        self.write_script("")
        kube.run(*SYSTEM, "patch", "daemonset", "llmtrain-agent", "--patch", json.dumps(given(version)))
        kube.run(*SYSTEM, "rollout", "status", "daemonset/llmtrain-agent", "--timeout=110s")

    def write_script(self, lines: str, node: str = "") -> None:
        """Append lines to the default script of the driver, on one node or on all."""
        for pod in self._pods():
            if node in ("", pod["spec"]["nodeName"]):
                write = f"cat > {FOLDER}/new && mv {FOLDER}/new {FOLDER}/script"
                words = ("exec", "-i", pod["metadata"]["name"], "--", "sh", "-c", write)
                self._kube.run(*words, text=BUSY + lines)

    def _registered(self) -> bool:
        logs = [self._kube.run("logs", pod["metadata"]["name"], check=False).stdout for pod in self._pods()]
        return all("registered" in log for log in logs)

    def _pods(self) -> list[dict[str, Any]]:
        return [pod for pod in self._kube.objects("pods") if "deletionTimestamp" not in pod["metadata"]]

    def _daemon_set(self, files: str) -> dict[str, Any]:
        """Return the DaemonSet of the plugin; its pods are replaced when the files change."""
        labels = {"app": "fake-gpus"}
        copy = f"cp /files/{NAME} {FOLDER}/new && mv {FOLDER}/new {FOLDER}/{NAME} && exec python3 /files/plugin.py"
        container = {
            "name": "plugin",
            "image": installed_image(self._kube),
            "imagePullPolicy": "IfNotPresent",
            "command": ["sh", "-c", copy],
            "volumeMounts": [
                {"name": "files", "mountPath": "/files"},
                {"name": "driver", "mountPath": FOLDER},
                {"name": "plugins", "mountPath": "/var/lib/kubelet/device-plugins"},
            ],
        }
        volumes = [
            {"name": "files", "configMap": {"name": "files"}},
            {"name": "driver", "hostPath": {"path": FOLDER, "type": "DirectoryOrCreate"}},
            {"name": "plugins", "hostPath": {"path": "/var/lib/kubelet/device-plugins"}},
        ]
        spec = {
            "containers": [container],
            "volumes": volumes,
            "terminationGracePeriodSeconds": 1,
            "automountServiceAccountToken": False,
            "securityContext": {"runAsUser": 0},
        }
        template = {"metadata": {"labels": labels, "annotations": {"files": files}}, "spec": spec}
        return {
            "apiVersion": "apps/v1",
            "kind": "DaemonSet",
            "metadata": {"name": "fake-gpus"},
            "spec": {
                "selector": {"matchLabels": labels},
                "template": template,
                "updateStrategy": {"rollingUpdate": {"maxUnavailable": "100%"}},
            },
        }


def visible_gpus(kube: Kube, pod: str) -> set[str]:
    """Return the UUIDs that the kubelet gave a pod."""
    listed = kube.run("exec", pod, "--", "sh", "-c", "echo $NVIDIA_VISIBLE_DEVICES").stdout
    return set(listed.strip().split(","))
