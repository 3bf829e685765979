"""The command line: `python -m llmtrain_kind <verb>` with PYTHONPATH=images/src."""

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
from llmtrain_kind.go_tools import make_cli_tools, make_helm
from llmtrain_kind.gpus import GPUS_PER_WORKER, advertise_gpus
from llmtrain_kind.image_loading import load_app_image
from llmtrain_kind.install import install_chart
from llmtrain_kind.lock import exclusive_lock
from llmtrain_kind.progress import log
from llmtrain_kind.prometheus import make_prometheus

_EPILOG = """\
A first session:
  export PYTHONPATH=images/src
  python -m llmtrain_kind up                  # 15 minutes once, then seconds
  eval "$(python -m llmtrain_kind env)"       # KUBECONFIG and PATH
  kubectl get nodes
  python -m llmtrain_kind down

Without Docker, root on Debian 12 is needed and Go builds Kubernetes from its modules.
Everything is kept below ~/.cache/llmtrain (LLMTRAIN_CACHE names another folder).
LLMTRAIN_KIND=stock or =offline chooses the kind of node image."""


def main(arguments: list[str] | None = None) -> int:
    """Run one verb; returns the exit code."""
    options = _parser().parse_args(arguments)
    try:
        with exclusive_lock() if options.changes else nullcontext():
            options.act(options)
    except KindError as error:
        log(f"error: {error}")
        return 1
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m llmtrain_kind",
        description="Make, reuse and delete a local Kubernetes cluster with kind.",
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    verbs = parser.add_subparsers(title="verbs", required=True, metavar="<verb>")
    named = argparse.ArgumentParser(add_help=False)
    named.add_argument("--name", default="llmtrain", help="the cluster's name (%(default)s)")

    tools = verbs.add_parser("tools", help="build kind, kubectl and helm; print their folder")
    tools.set_defaults(act=_tools, changes=True)
    helm = verbs.add_parser("helm", help="build one Helm; print its path")
    helm.add_argument("major", choices=("3", "4"), nargs="?", default="4", help="major version (%(default)s)")
    helm.set_defaults(act=_helm, changes=True)
    prometheus = verbs.add_parser("prometheus", help="get Debian's prometheus and promtool; print their folder")
    prometheus.set_defaults(act=_prometheus, changes=False)
    up = verbs.add_parser("up", parents=[named], help="make the cluster, or reuse a healthy one")
    up.add_argument("--workers", type=int, default=DEMO_WORKERS, help="worker nodes (%(default)s)")
    up.set_defaults(act=_up, changes=True)
    down = verbs.add_parser("down", parents=[named], help="delete the cluster and its volumes")
    down.set_defaults(act=_down, changes=True)
    images = verbs.add_parser("images", parents=[named], help="build our images and load them; print them as JSON")
    images.add_argument(
        "--only",
        type=lambda names: names.split(","),
        default=[image.name for image in APP_IMAGES],
        metavar="NAME,…",
        help=f"of {', '.join(image.name for image in APP_IMAGES)}",
    )
    images.set_defaults(act=_images, changes=True)
    install = verbs.add_parser(
        "install", parents=[named], help="install the chart with our images; wait for the operator"
    )
    install.set_defaults(act=_install, changes=True)
    demo = verbs.add_parser(
        "demo", parents=[named], help="up, images, install, then train the example and show progress"
    )
    demo.set_defaults(act=_demo, changes=False)
    env = verbs.add_parser("env", parents=[named], help="print export lines for a shell")
    env.set_defaults(act=_env, changes=False)
    gpus = verbs.add_parser("gpus", parents=[named], help=f"say again that each worker has {GPUS_PER_WORKER} GPUs")
    gpus.set_defaults(act=_gpus, changes=False)
    status = verbs.add_parser("status", parents=[named], help="say what is there, as JSON")
    status.set_defaults(act=_status, changes=False)
    return parser


def _tools(_: argparse.Namespace) -> None:
    print(make_cli_tools())


def _helm(options: argparse.Namespace) -> None:
    print(make_helm(options.major))


def _prometheus(_: argparse.Namespace) -> None:
    print(make_prometheus())


def _up(options: argparse.Namespace) -> None:
    started = time.monotonic()
    cluster = ensure_cluster(options.name, options.workers)
    log(f"Cluster {cluster.name} is ready after {time.monotonic() - started:.1f} s.")
    log(f"KUBECONFIG={cluster.place.kubeconfig}")


def _down(options: argparse.Namespace) -> None:
    delete_cluster(options.name)


def _images(options: argparse.Namespace) -> None:
    cluster = _existing(options.name)
    unknown = set(options.only) - {image.name for image in APP_IMAGES}
    if unknown:
        raise KindError(f"There is no image {', '.join(sorted(unknown))}.")
    print(json.dumps(_loaded_images(cluster, options.only)))


def _loaded_images(cluster: Cluster, names: Sequence[str]) -> dict[str, str]:
    """References of our images of these names, built and in the nodes."""
    references = {}
    for image in APP_IMAGES:
        if image.name in names:
            references[image.name] = build_app_image(image, cluster.provider)
            load_app_image(cluster, image, references[image.name])
    return references


def _install(options: argparse.Namespace) -> None:
    cluster = _existing(options.name)
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
    cluster = _existing(options.name)
    print(f"export KUBECONFIG={cluster.place.kubeconfig}")
    print(f'export PATH="{cluster.tools}:$PATH"')
    print(f"export KIND_EXPERIMENTAL_PROVIDER={cluster.provider.engine}")


def _gpus(options: argparse.Namespace) -> None:
    kubectl = _existing(options.name).kubectl
    print(json.dumps({"patched": advertise_gpus(kubectl, kubectl.nodes())}))


def _status(options: argparse.Namespace) -> None:
    cluster = recorded_cluster(options.name)
    found: dict[str, object] = {"cluster": options.name, "exists": cluster is not None}
    if cluster is not None:
        found |= {
            "healthy": is_healthy(cluster),
            "flavour": cluster.provider.flavour,
            "engine": cluster.provider.engine,
            "nodes": cluster.node_names,
            "kubeconfig": str(cluster.place.kubeconfig),
        }
    print(json.dumps(found, indent=2))


def _existing(name: str) -> Cluster:
    cluster = recorded_cluster(name)
    if cluster is None:
        raise KindError(f"There is no cluster {name}: make it with `up --name {name}`.")
    return cluster


if __name__ == "__main__":
    sys.exit(main())
