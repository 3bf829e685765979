"""Builds kind, kubectl, helm, kwok and the node's binaries from Go modules.

Versions are declared in `kind-node/*/go.mod` and nowhere else. One module holds all
tools but three, so that they share one compiled set of Kubernetes' libraries.
local-path-provisioner has its own, because it imports a library by an old spelling
that Go rejects in one module with the new one. Helm 3 and kwok have their own, because only the chart's tests
and the operator's benchmark use them, and the tools stay on Kubernetes' newest libraries without them.
"""

import os
import platform
import re
import shutil
from pathlib import Path

from llmtrain_kind.commands import run
from llmtrain_kind.content_hash import content_hash
from llmtrain_kind.errors import Unsupported
from llmtrain_kind.paths import KIND_NODE, cache_folder
from llmtrain_kind.progress import step

_HELM = {"3": ("helm3", "helm.sh/helm/v3/cmd/helm"), "4": ("tools", "helm.sh/helm/v4/cmd/helm")}
_CLI_PACKAGES = ("./localkube", "sigs.k8s.io/kind", _HELM["4"][1])
_NODE_PACKAGES = ("./pause", "tool")
_ETCD_PACKAGE = "go.etcd.io/etcd/server/v3"
_RENAMED = {"server": "etcd"}
_VERSION_PACKAGE = "k8s.io/component-base/version"


def module_version(go_mod: str, module: str) -> str:
    """Return the version of a module that a go.mod requires, for example `v1.37.2`. KeyError if it requires none."""
    found = re.search(rf"^\s*(?:require )?{re.escape(module)} (v\S+)", go_mod, re.MULTILINE)
    if found is None:
        raise KeyError(module)
    return found.group(1)


def kubernetes_version() -> str:
    """Return the version of Kubernetes that the tools and the node image are built from."""
    return module_version((KIND_NODE / "tools" / "go.mod").read_text(), "k8s.io/kubernetes")


def linker_flags(version: str) -> str:
    """Return linker flags that strip a binary and set the version of Kubernetes' components."""
    major, minor, _ = version.removeprefix("v").split(".")
    values = {
        "gitVersion": version,
        "gitMajor": major,
        "gitMinor": minor,
        "gitTreeState": "clean",
        "gitCommit": "unknown",
    }
    return "-s -w " + " ".join(f"-X {_VERSION_PACKAGE}.{k}={v}" for k, v in values.items())


def tools_key() -> str:
    """Return the key of a build of the tools: a hash of their modules, Go's version and the processor."""
    return _key("tools", "local-path")


def _key(*modules: str) -> str:
    """Return a hash of modules below `kind-node`, Go's version and the processor. Unsupported if Go is missing."""
    if shutil.which("go") is None:
        raise Unsupported(
            "Go is missing: install Go 1.26 or newer (any newer than 1.21 fetches it itself) and put `go` on PATH."
        )
    go_version = run(["go", "env", "GOVERSION"], folder=KIND_NODE / modules[0]).strip()
    return content_hash(KIND_NODE, map(Path, modules), extra=[go_version, platform.machine()])


def tools_folder() -> Path:
    """Return the folder of the binaries for the current sources, built or not."""
    return cache_folder() / "tools" / tools_key() / "bin"


def make_cli_tools() -> Path:
    """Build kind, kubectl and helm unless they exist; return their folder."""
    folder = tools_folder()
    if not all((folder / name).exists() for name in ("kind", "kubectl", "helm")):
        with step("building kind, kubectl and helm (about 9 minutes on 2 cores, once)"):
            _build(folder, "tools", _CLI_PACKAGES)
            _link(folder)
    return folder


def make_helm(major: str = "4") -> Path:
    """Build Helm of one major version, "3" or "4", and nothing else; return the path of the binary.

    Unsupported for another version.
    """
    if major not in _HELM:
        raise Unsupported(f"LLMTRAIN_HELM={major}: set it to {' or '.join(_HELM)}.")
    module, package = _HELM[major]
    folder = tools_folder() if major == "4" else cache_folder() / "tools" / _key(module)
    if not (folder / "helm").exists():
        with step(f"building Helm {major} (about 4 minutes on 2 cores, once)"):
            _build(folder, module, (package,))
    return folder / "helm"


def make_kwok() -> Path:
    """Build kwok, which plays the kubelets of nodes that do not exist, unless it exists; return the path of the binary."""
    folder = cache_folder() / "tools" / _key("kwok")
    if not (folder / "kwok").exists():
        with step("building kwok (about 3 minutes on 2 cores, once)"):
            _build(folder, "kwok", ("tool",))
    return folder / "kwok"


def make_node_tools() -> Path:
    """Build the binaries of the node image too, unless they exist; return the same folder."""
    folder = make_cli_tools()
    if not (folder / "etcd").exists():
        with step("building containerd, etcd and CoreDNS (about 3 minutes on 2 cores, once)"):
            _build(folder, "tools", _NODE_PACKAGES)
            _link(folder)
    if not (folder / "local-path-provisioner").exists():
        with step("building local-path-provisioner (about 2 minutes on 2 cores, once)"):
            _build(folder, "local-path", ("github.com/rancher/local-path-provisioner",))
    return folder


def make_control_plane() -> Path:
    """Build etcd and Kubernetes' components unless they exist; return their folder.

    `localkube` in it is the component whose name it is called by, such as kube-apiserver.
    """
    folder = make_cli_tools()
    if not (folder / "etcd").exists():
        with step("building etcd (about 1 minute on 2 cores, once)"):
            _build(folder, "tools", (_ETCD_PACKAGE,))
            _link(folder)
    return folder


def _build(folder: Path, module: str, packages: tuple[str, ...]) -> None:
    """Compile packages of a module below `kind-node` into `folder`, static and reproducible."""
    folder.mkdir(parents=True, exist_ok=True)
    flags = ["-buildvcs=false", "-trimpath", "-ldflags", linker_flags(kubernetes_version())]
    run(
        ["go", "build", *flags, "-o", f"{folder}{os.sep}", *packages],
        environment={"CGO_ENABLED": "0"},
        folder=KIND_NODE / module,
    )


def _link(folder: Path) -> None:
    """Rename binaries, and link the names of the commands that one binary serves."""
    for built, name in _RENAMED.items():
        if (folder / built).exists():
            (folder / built).rename(folder / name)
    for name in ("kubectl", "kubeadm"):
        (folder / name).unlink(missing_ok=True)
        (folder / name).symlink_to("localkube")
