"""A client of a cluster's API, by kubectl."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from llmtrain_kind.commands import run
from llmtrain_kind.network import NodeAddress, parse_addresses

_ADDRESSES = (
    '{range .items[*]}{.metadata.name} {.spec.podCIDR} {.status.addresses[?(@.type=="InternalIP")].address}{"\\n"}{end}'
)


@dataclass(frozen=True, kw_only=True)
class Kubectl:
    """Runs kubectl with the credentials of a cluster's administrator."""

    program: Path
    kubeconfig: Path

    def run(self, *arguments: str, input_text: str | None = None, timeout_seconds: float = 120.0) -> str:
        """Run a command; return its standard output. CommandFailed if it fails."""
        command = [self.program, "--kubeconfig", self.kubeconfig, *arguments]
        return run(command, input_text=input_text, timeout_seconds=timeout_seconds)

    def apply(self, manifests: str) -> None:
        """Apply manifests, a YAML stream, by server-side apply."""
        self.run("apply", "--server-side", "--force-conflicts", "-f", "-", input_text=manifests)

    def nodes(self) -> list[dict[str, Any]]:
        """Return all nodes as the API does."""
        items: list[dict[str, Any]] = json.loads(self.run("get", "nodes", "-o", "json", timeout_seconds=15.0))["items"]
        return items

    def addresses(self) -> list[NodeAddress]:
        """Return the addresses of the nodes that have a pod range, which is assigned a moment after they register."""
        return parse_addresses(self.run("get", "nodes", "-o", f"jsonpath={_ADDRESSES}"))


def is_node_ready(node: dict[str, Any]) -> bool:
    """Return whether a node's condition Ready is true."""
    conditions = node.get("status", {}).get("conditions", [])
    return any(c["type"] == "Ready" and c["status"] == "True" for c in conditions)


def is_worker(node: dict[str, Any]) -> bool:
    """Return whether a node is a worker, not the control plane."""
    return "node-role.kubernetes.io/control-plane" not in node["metadata"]["labels"]
