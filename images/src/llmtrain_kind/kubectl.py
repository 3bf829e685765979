"""A cluster's API, through kubectl."""

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
    """Runs kubectl as one cluster's administrator."""

    program: Path
    kubeconfig: Path

    def run(self, *words: str, input_text: str | None = None, timeout_seconds: float = 120.0) -> str:
        """Run one command and return what it prints."""
        command = [self.program, "--kubeconfig", self.kubeconfig, *words]
        return run(command, input_text=input_text, timeout_seconds=timeout_seconds)

    def apply(self, manifests: str) -> None:
        """Create or change objects to be as the YAML says."""
        self.run("apply", "--server-side", "--force-conflicts", "-f", "-", input_text=manifests)

    def nodes(self) -> list[dict[str, Any]]:
        """All nodes as the API gives them."""
        items: list[dict[str, Any]] = json.loads(self.run("get", "nodes", "-o", "json", timeout_seconds=15.0))["items"]
        return items

    def addresses(self) -> list[NodeAddress]:
        """Nodes that have a pod range, which comes a moment after they register."""
        return parse_addresses(self.run("get", "nodes", "-o", f"jsonpath={_ADDRESSES}"))


def is_ready(node: dict[str, Any]) -> bool:
    """Whether a node's Ready condition is true."""
    conditions = node.get("status", {}).get("conditions", [])
    return any(c["type"] == "Ready" and c["status"] == "True" for c in conditions)


def is_worker(node: dict[str, Any]) -> bool:
    """Whether a node is not the control plane."""
    return "node-role.kubernetes.io/control-plane" not in node["metadata"]["labels"]
