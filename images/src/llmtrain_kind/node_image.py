"""The node image of the offline flavour and the images of Kubernetes' own pods, built from packages."""

import shutil
from pathlib import Path

from llmtrain_kind.commands import run
from llmtrain_kind.content_hash import content_hash
from llmtrain_kind.debian import build_image, image_exists, make_base
from llmtrain_kind.go_tools import kubernetes_version, make_node_tools
from llmtrain_kind.paths import KIND_NODE, cache_folder
from llmtrain_kind.progress import step

COMPONENT_REPOSITORY = "localhost/kubernetes"
PROVISIONER_IMAGE = f"{COMPONENT_REPOSITORY}/local-path-provisioner:node"
_COMPONENTS = f"{COMPONENT_REPOSITORY}/components:node"
_BINARIES = (
    "localkube",
    "etcd",
    "coredns",
    "containerd",
    "containerd-shim-runc-v2",
    "ctr",
    "local-path-provisioner",
    "pause",
)


def make_node_image() -> str:
    """Build the node image of the current sources unless it exists; return its name."""
    tools = make_node_tools()
    files = [Path("Dockerfile"), Path("Dockerfile.components"), Path("files")]
    key = content_hash(KIND_NODE, files, extra=[tools.parent.name])
    name = f"localhost/llmtrain-kind-node:{key}"
    if image_exists(name):
        return name
    base = make_base("bookworm")
    context = _fill_context(tools)
    with step("building the images of Kubernetes' components"):
        _save_components(context, base, tools)
    with step("building the node image"):
        build_image(context=context, dockerfile=KIND_NODE / "Dockerfile", tag=name, arguments={"BASE": base})
    shutil.rmtree(context)
    return name


def component_targets(names: list[str]) -> dict[str, str]:
    """Return the target of Dockerfile.components for each image that kubeadm uses."""
    special = {"coredns": "coredns", "pause": "pause"}
    return {name: special.get(name.rpartition("/")[2].partition(":")[0], "components") for name in names}


def _fill_context(tools: Path) -> Path:
    """Return a build context; binaries are linked into it instead of copied."""
    context = cache_folder() / "build" / "node"
    shutil.rmtree(context, ignore_errors=True)
    (context / "bin").mkdir(parents=True)
    shutil.copytree(KIND_NODE / "files", context / "files")
    for binary in _BINARIES:
        (context / "bin" / binary).hardlink_to(tools / binary)
    (context / "version").write_text(kubernetes_version())
    return context


def _save_components(context: Path, base: str, tools: Path) -> None:
    """Build Kubernetes' images, tag them with the names that kubeadm uses, and save them to images.tar."""
    listing = ["config", "images", "list", "--kubernetes-version", kubernetes_version()]
    listed = run([tools / "kubeadm", *listing, "--image-repository", COMPONENT_REPOSITORY])
    targets = component_targets([*listed.split(), PROVISIONER_IMAGE])
    for target in ("components", "coredns", "pause"):
        build_image(
            context=context,
            dockerfile=KIND_NODE / "Dockerfile.components",
            tag=_COMPONENTS if target == "components" else f"{COMPONENT_REPOSITORY}/{target}:node",
            arguments={"BASE": base},
            target=target,
        )
    for name, target in targets.items():
        built = f"{COMPONENT_REPOSITORY}/{target}:node"
        run(["buildah", "tag", built, name])
    run(["podman", "save", "-q", "-m", "-o", context / "images.tar", *targets])
