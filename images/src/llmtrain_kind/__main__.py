"""The command line, `python -m llmtrain_kind <verb>` with PYTHONPATH=images/src."""

import argparse
import json
import sys
import time
from collections.abc import Sequence
from contextlib import nullcontext

from llmtrain_kind.app_images import APP_IMAGES, build_app_image
from llmtrain_kind.cluster import (
    Cluster,
    delete_cluster,
    ensure_cluster,
    is_healthy,
    recorded_cluster,
)
from llmtrain_kind.demo import DEMO_WORKERS, print_resume_hint, run_demo
from llmtrain_kind.errors import KindError
from llmtrain_kind.go_tools import make_cli_tools, make_control_plane, make_helm, make_kwok
from llmtrain_kind.gpus import GPUS_PER_WORKER, advertise_gpus
from llmtrain_kind.image_loading import load_app_image
from llmtrain_kind.install import install_chart
from llmtrain_kind.lock import exclusive_lock
from llmtrain_kind.progress import log
from llmtrain_kind.prometheus import make_prometheus

_EPILOG = """\
example:
  export PYTHONPATH=images/src
  python -m llmtrain_kind up                  # 15 minutes the first time, then seconds
  eval "$(python -m llmtrain_kind env)"       # sets KUBECONFIG and PATH
  kubectl get nodes
  python -m llmtrain_kind down

Without a container engine that can pull images, `up` needs root on Debian 12 and Go, which builds Kubernetes
from its modules.

environment:
  LLMTRAIN_CACHE   folder of tools, images and clusters (default: ~/.cache/llmtrain)
  LLMTRAIN_KIND    `stock` uses kind's node image, `offline` builds one (default: chosen automatically)"""


def main(arguments: list[str] | None = None) -> int:
    """Run one verb; return the exit code."""
    options = parser().parse_args(arguments)
    try:
        with exclusive_lock() if options.changes else nullcontext():
            options.act(options)
    except KindError as error:
        log(f"error: {error}")
        return 1
    return 0


def parser() -> argparse.ArgumentParser:
    """Return the command line's parser."""
    root = argparse.ArgumentParser(
        prog="python -m llmtrain_kind",
        description="Create, reuse and delete a local Kubernetes cluster with kind.",
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    verbs = root.add_subparsers(title="verbs", required=True, metavar="<verb>")
    named = argparse.ArgumentParser(add_help=False)
    named.add_argument("--name", default="llmtrain", help="name of the cluster (default: %(default)s)")

    tools = verbs.add_parser("tools", help="build kind, kubectl and helm, and print their folder")
    tools.set_defaults(act=_tools, changes=True)
    helm = verbs.add_parser("helm", help="build one version of Helm, and print its path")
    helm.add_argument("major", choices=("3", "4"), nargs="?", default="4", help="major version (default: %(default)s)")
    helm.set_defaults(act=_helm, changes=True)
    control_plane = verbs.add_parser(
        "control-plane", help="build etcd and Kubernetes' components, and print their folder"
    )
    control_plane.set_defaults(act=_control_plane, changes=True)
    kwok = verbs.add_parser("kwok", help="build kwok, which plays nodes that do not exist, and print its path")
    kwok.set_defaults(act=_kwok, changes=True)
    prometheus = verbs.add_parser("prometheus", help="unpack Debian's prometheus and promtool, and print their folder")
    prometheus.set_defaults(act=_prometheus, changes=False)
    up = verbs.add_parser("up", parents=[named], help="create the cluster, or reuse it")
    up.add_argument("--workers", type=int, default=DEMO_WORKERS, help="number of worker nodes (default: %(default)s)")
    up.set_defaults(act=_up, changes=True)
    down = verbs.add_parser("down", parents=[named], help="delete the cluster and its volumes")
    down.set_defaults(act=_down, changes=True)
    images = verbs.add_parser(
        "images", parents=[named], help="build the images, load them into the nodes, and print them as JSON"
    )
    images.add_argument(
        "--only",
        type=lambda names: names.split(","),
        default=[image.name for image in APP_IMAGES],
        metavar="NAME,…",
        help=f"images to build (default: {','.join(image.name for image in APP_IMAGES)})",
    )
    images.set_defaults(act=_images, changes=True)
    install = verbs.add_parser(
        "install", parents=[named], help="build the images, install the chart, and wait for the operator"
    )
    install.set_defaults(act=_install, changes=True)
    demo = verbs.add_parser(
        "demo", parents=[named], help="run up and install, then train the example and show its progress"
    )
    demo.set_defaults(act=_demo, changes=False)
    env = verbs.add_parser("env", parents=[named], help="print shell commands that set KUBECONFIG and PATH")
    env.set_defaults(act=_env, changes=False)
    gpus = verbs.add_parser("gpus", parents=[named], help=f"advertise {GPUS_PER_WORKER} GPUs on each worker again")
    gpus.set_defaults(act=_gpus, changes=False)
    status = verbs.add_parser("status", parents=[named], help="print the state of the cluster as JSON")
    status.set_defaults(act=_status, changes=False)
    return root


def _tools(_: argparse.Namespace) -> None:
    print(make_cli_tools())


def _helm(options: argparse.Namespace) -> None:
    print(make_helm(options.major))


def _control_plane(_: argparse.Namespace) -> None:
    print(make_control_plane())


def _kwok(_: argparse.Namespace) -> None:
    print(make_kwok())


def _prometheus(_: argparse.Namespace) -> None:
    print(make_prometheus())


def _up(options: argparse.Namespace) -> None:
    started = time.monotonic()
    cluster = ensure_cluster(options.name, options.workers)
    log(f"Cluster {cluster.name} is ready after {time.monotonic() - started:.1f} s.")
    log(f"KUBECONFIG={cluster.paths.kubeconfig}")


def _down(options: argparse.Namespace) -> None:
    delete_cluster(options.name)


def _images(options: argparse.Namespace) -> None:
    cluster = _require_cluster(options.name)
    unknown = set(options.only) - {image.name for image in APP_IMAGES}
    if unknown:
        names = ", ".join(image.name for image in APP_IMAGES)
        raise KindError(f"--only: there is no image {', '.join(sorted(unknown))}; the images are {names}.")
    print(json.dumps(_loaded_images(cluster, options.only)))


def _loaded_images(cluster: Cluster, names: Sequence[str]) -> dict[str, str]:
    """Build images and load them into the nodes; return their references by name."""
    references = {}
    for image in APP_IMAGES:
        if image.name in names:
            references[image.name] = build_app_image(image, cluster.provider)
            load_app_image(cluster, image, references[image.name])
    return references


def _install(options: argparse.Namespace) -> None:
    cluster = _require_cluster(options.name)
    install_chart(cluster, _loaded_images(cluster, [image.name for image in APP_IMAGES]))


def _demo(options: argparse.Namespace) -> None:
    try:
        with exclusive_lock():
            cluster = ensure_cluster(options.name, DEMO_WORKERS)
            install_chart(cluster, _loaded_images(cluster, [image.name for image in APP_IMAGES]))
        run_demo(cluster)
    except KeyboardInterrupt:
        print_resume_hint()
        sys.exit(130)


def _env(options: argparse.Namespace) -> None:
    cluster = _require_cluster(options.name)
    print(f"export KUBECONFIG={cluster.paths.kubeconfig}")
    print(f'export PATH="{cluster.tools}:$PATH"')
    print(f"export KIND_EXPERIMENTAL_PROVIDER={cluster.provider.engine}")


def _gpus(options: argparse.Namespace) -> None:
    kubectl = _require_cluster(options.name).kubectl
    print(json.dumps({"patched": advertise_gpus(kubectl, kubectl.nodes())}))


def _status(options: argparse.Namespace) -> None:
    cluster = recorded_cluster(options.name)
    state: dict[str, object] = {"cluster": options.name, "exists": cluster is not None}
    if cluster is not None:
        state |= {
            "healthy": is_healthy(cluster),
            "flavour": cluster.provider.flavour,
            "engine": cluster.provider.engine,
            "nodes": cluster.node_names,
            "kubeconfig": str(cluster.paths.kubeconfig),
        }
    print(json.dumps(state, indent=2))


def _require_cluster(name: str) -> Cluster:
    cluster = recorded_cluster(name)
    if cluster is None:
        raise KindError(f"There is no cluster {name}: create it with `up --name {name}`.")
    return cluster


if __name__ == "__main__":
    sys.exit(main())
