"""Creates, restarts and deletes one cluster through `kind`."""

import json
import shutil
import time
from dataclasses import dataclass
from pathlib import Path

from llmtrain_kind.commands import run, succeeds
from llmtrain_kind.errors import CommandFailed, KindError
from llmtrain_kind.go_tools import kubernetes_version, make_cli_tools
from llmtrain_kind.gpus import advertise_gpus
from llmtrain_kind.host import prepare_host, release_host
from llmtrain_kind.kind_config import kind_configuration
from llmtrain_kind.kubectl import Kubectl, is_node_ready
from llmtrain_kind.network import COREFILE, connect_nodes
from llmtrain_kind.node_image import make_node_image
from llmtrain_kind.paths import ClusterPaths, archives_folder
from llmtrain_kind.progress import log, step
from llmtrain_kind.provider import Flavour, Provider, choose_provider
from llmtrain_kind.storage import install_storage, remove_placeholder

_READY_TIMEOUT_SECONDS = 180.0
_RESTART_TIMEOUT_SECONDS = 150.0
_POLL_SECONDS = 0.5


@dataclass(frozen=True, kw_only=True)
class Cluster:
    """A cluster, as recorded when it was created."""

    name: str
    provider: Provider
    workers: int
    node_image: str | None
    tools: Path

    @property
    def paths(self) -> ClusterPaths:
        """Return the cluster's paths in the cache."""
        return ClusterPaths(name=self.name)

    @property
    def kubectl(self) -> Kubectl:
        """Return a client of the cluster's API."""
        return Kubectl(program=self.tools / "kubectl", kubeconfig=self.paths.kubeconfig)

    @property
    def node_names(self) -> list[str]:
        """Return the names of the node containers, control plane first."""
        workers = [f"{self.name}-worker{n if n > 1 else ''}" for n in range(1, self.workers + 1)]
        return [f"{self.name}-control-plane", *workers]


def recorded_cluster(name: str) -> Cluster | None:
    """Return a cluster as recorded, None if there is none of this name."""
    record = ClusterPaths(name=name).record
    if not record.exists():
        return None
    fields = json.loads(record.read_text())
    provider = Provider(engine=fields["engine"], flavour=Flavour(fields["flavour"]))
    return Cluster(
        name=name,
        provider=provider,
        workers=fields["workers"],
        node_image=fields["nodeImage"],
        tools=Path(fields["tools"]),
    )


def ensure_cluster(name: str, workers: int) -> Cluster:
    """Reuse a healthy cluster, restart a stopped one, or create it. KindError if it has another number of workers."""
    existing = recorded_cluster(name)
    if existing is not None:
        if existing.workers != workers:
            raise KindError(
                f"Cluster {name} has {existing.workers} workers, not {workers}: delete it first (`down --name {name}`)."
            )
        if _restart(existing):
            return existing
        log(f"Cluster {name} cannot be restarted: it is deleted with its volumes and created again.")
        delete_cluster(name)
    return _create(name, workers)


def delete_cluster(name: str) -> None:
    """Delete the nodes, their volumes and the cluster's folder; the cache of tools and images stays."""
    paths = ClusterPaths(name=name)
    existing = recorded_cluster(name)
    provider = existing.provider if existing else choose_provider()
    with step(f"deleting cluster {name}"):
        kind = (existing.tools if existing else make_cli_tools()) / "kind"
        command = [kind, "delete", "cluster", "--name", name, "--kubeconfig", paths.kubeconfig]
        run(command, environment=provider.environment)
        shutil.rmtree(paths.folder, ignore_errors=True)
        if provider.flavour is Flavour.OFFLINE and not any(paths.folder.parent.glob("*/cluster.json")):
            release_host()


def is_healthy(cluster: Cluster) -> bool:
    """Return whether every node of the cluster exists and is ready."""
    try:
        nodes = cluster.kubectl.nodes()
    except CommandFailed:
        return False
    return len(nodes) == cluster.workers + 1 and all(map(is_node_ready, nodes))


def _restart(cluster: Cluster) -> bool:
    """Restart the node containers of a cluster that is not ready; False if it doesn't become ready."""
    if cluster.provider.flavour is Flavour.OFFLINE:
        prepare_host()
    engine = cluster.provider.engine
    if not all(succeeds([engine, "inspect", name]) for name in cluster.node_names):
        return False
    # The API server reports a node as ready for some time after it has exited.
    exited = [name for name in cluster.node_names if not _runs(engine, name)]
    if exited or not is_healthy(cluster):
        with step(f"cluster {cluster.name} is not ready: restarting its nodes (up to 3 minutes)"):
            # Not `start`: after a crash of the machine the engine reports exited nodes as running.
            if exited and not succeeds([engine, "restart", "--time", "5", *exited]):
                return False
            if not _reconnect(cluster):
                return False
    elif cluster.provider.flavour is Flavour.OFFLINE:
        connect_nodes(engine, cluster.kubectl.addresses())
    _finish_setup(cluster)
    return True


def _runs(engine: str, node: str) -> bool:
    """Return whether a node's first process exists; after a crash the engine can report it wrongly."""
    running, pid = run([engine, "inspect", "--format", "{{.State.Running}} {{.State.Pid}}", node]).split()
    return running == "true" and (not Path("/proc").exists() or Path(f"/proc/{pid}").exists())


def _reconnect(cluster: Cluster) -> bool:
    """Wait until restarted nodes are ready; False after _RESTART_TIMEOUT_SECONDS.

    Nodes of the offline flavour keep their first address, which the certificates hold.
    """
    deadline = time.monotonic() + _RESTART_TIMEOUT_SECONDS
    while time.monotonic() < deadline:
        try:
            addresses = cluster.kubectl.addresses()
        except CommandFailed:
            time.sleep(_POLL_SECONDS)
            continue
        if cluster.provider.flavour is Flavour.OFFLINE:
            connect_nodes(cluster.provider.engine, addresses)
        if is_healthy(cluster):
            return True
        time.sleep(_POLL_SECONDS)
    return False


def _create(name: str, workers: int) -> Cluster:
    provider = choose_provider()
    tools = make_cli_tools()
    image = None
    if provider.flavour is Flavour.OFFLINE:
        prepare_host()
        image = make_node_image()
    cluster = Cluster(name=name, provider=provider, workers=workers, node_image=image, tools=tools)
    (cluster.paths.shared / "volumes").mkdir(parents=True, exist_ok=True)
    (cluster.paths.shared / "volumes").chmod(0o777)
    archives_folder().mkdir(parents=True, exist_ok=True)
    _create_nodes(cluster, tools / "kind")
    _record(cluster)
    if provider.flavour is Flavour.OFFLINE:
        with step("configuring the network of the nodes"):
            _connect(cluster)
            remove_placeholder(cluster.kubectl)
    _finish_setup(cluster)
    return cluster


def _create_nodes(cluster: Cluster, kind: Path) -> None:
    paths = cluster.paths
    configuration = kind_configuration(
        flavour=cluster.provider.flavour,
        version=kubernetes_version(),
        workers=cluster.workers,
        shared=paths.shared,
        archives=archives_folder(),
    )
    command: list[str | Path] = [kind, "create", "cluster", "--name", cluster.name]
    command += ["--kubeconfig", paths.kubeconfig, "--config", "-"]
    if cluster.node_image:
        command += ["--image", cluster.node_image]
    with step(f"creating cluster {cluster.name}: a control plane and {cluster.workers} workers (about 1 minute)"):
        run(command, environment=cluster.provider.environment, input_text=configuration)


def _record(cluster: Cluster) -> None:
    fields = {
        "engine": cluster.provider.engine,
        "flavour": cluster.provider.flavour,
        "workers": cluster.workers,
        "nodeImage": cluster.node_image,
        "tools": str(cluster.tools),
    }
    cluster.paths.record.write_text(json.dumps(fields, indent=2))


def _connect(cluster: Cluster) -> None:
    """Configure CoreDNS, then the network of the nodes."""
    patch = json.dumps({"data": {"Corefile": COREFILE}})
    coredns = ("-n", "kube-system", "patch", "configmap", "coredns", "--type=merge")
    cluster.kubectl.run(*coredns, "-p", patch)
    deadline = time.monotonic() + _READY_TIMEOUT_SECONDS
    while len(addresses := cluster.kubectl.addresses()) < cluster.workers + 1:
        if time.monotonic() > deadline:
            raise KindError(
                f"Not every node of cluster {cluster.name} got a pod range after {_READY_TIMEOUT_SECONDS:.0f} s: "
                f"delete the cluster (`down --name {cluster.name}`) and create it again."
            )
        time.sleep(_POLL_SECONDS)
    connect_nodes(cluster.provider.engine, addresses)


def _finish_setup(cluster: Cluster) -> None:
    """Install storage, advertise GPUs, and wait until all is available; fast if it is already."""
    kubectl = cluster.kubectl
    install_storage(kubectl, cluster.provider.flavour)
    wait = f"--timeout={_READY_TIMEOUT_SECONDS:.0f}s"
    kubectl.run("wait", "--for=condition=Ready", "nodes", "--all", wait, timeout_seconds=200)
    advertise_gpus(kubectl, kubectl.nodes())
    for namespace, deployment in (
        ("kube-system", "coredns"),
        ("local-path-storage", "local-path-provisioner"),
    ):
        available = ("--for=condition=Available", f"deployment/{deployment}", wait)
        kubectl.run("-n", namespace, "wait", *available, timeout_seconds=200)
