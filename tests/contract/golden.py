"""Renders the chart with Helm for golden manifests: `python tests/contract/golden.py` writes them again.

LLMTRAIN_HELM chooses Helm 3 or 4. Both must render the same documents; they order them differently.
"""

import os
import re
import subprocess
from pathlib import Path

from llmtrain_kind.go_tools import make_helm

CHART = Path(__file__).parents[2] / "charts" / "llmtrain"
GOLDEN = Path(__file__).parent / "golden"
COPIED = re.compile(r"templates/(crds|dashboards)\.yaml")
DRAWN_KEY = re.compile(r"^  key: [A-Za-z0-9+/=]{88}\n", re.MULTILINE)
"""The key of tokens, which is another one each time."""
NAMES = ("defaults", "everything")
"""`defaults` is a first installation; `everything` sets all values, on a cluster that has the CRDs."""


def helm() -> Path:
    """Return the Helm that the environment chooses: Helm 4, unless LLMTRAIN_HELM is set."""
    return make_helm(os.environ.get("LLMTRAIN_HELM") or "4")


def template(*words: str) -> subprocess.CompletedProcess[str]:
    """Run `helm template` with further arguments."""
    command = [helm(), "template", "llmtrain", CHART, "--namespace", "llmtrain-system", "--kube-version", "1.37.0"]
    return subprocess.run([*command, *words], capture_output=True, text=True, check=False)


def manifests(name: str) -> str:
    """Return the manifests of one golden file, without CRDs and dashboards, which are compared with their sources."""
    words = ["--api-versions", "llmtrain.dev/v1alpha1/LLMCluster"] if name == "everything" else []
    values = GOLDEN / f"{name}.values.yaml"
    done = template("--values", str(values), *words)
    if done.returncode != 0:
        raise RuntimeError(done.stderr)
    texts = (text for text in split(done.stdout) if not COPIED.search(text.partition("\n")[0]))
    return DRAWN_KEY.sub("  key: RANDOM\n", "---\n".join(texts))


def split(manifests: str) -> list[str]:
    """Return the documents of a YAML stream as text."""
    return [text for text in re.split(r"^---\n", manifests, flags=re.MULTILINE) if text.strip()]


if __name__ == "__main__":
    for name in NAMES:
        (GOLDEN / f"{name}.yaml").write_text(manifests(name))
