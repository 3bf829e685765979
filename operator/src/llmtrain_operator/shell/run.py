"""Starts the operator: informers and kopf on every replica, reconciling on the one that leads."""

import asyncio
import contextlib
import logging
import os

import aiohttp
import kopf
from kubernetes.aio import config
from kubernetes.aio.client import ApiClient
from prometheus_client import REGISTRY, start_http_server

from llmtrain_api.names import API_VERSION, CLUSTER_KIND, JOB_KIND, JOB_LABEL
from llmtrain_operator.core.objects.pod_group import API_VERSION as GANG_VERSION
from llmtrain_operator.shell.api import Api, path_of
from llmtrain_operator.shell.errors import ApiError
from llmtrain_operator.shell.handlers import registry
from llmtrain_operator.shell.informer import RETRY_SECONDS, Informer
from llmtrain_operator.shell.leader import run_leader_election
from llmtrain_operator.shell.metrics import OperatorCollector
from llmtrain_operator.shell.reconcile import Reconciler
from llmtrain_operator.shell.settings import Settings
from llmtrain_operator.shell.store import Store, trim_pod
from llmtrain_operator.shell.work_queue import WorkQueue

CONCURRENT_RECONCILES = 8
log = logging.getLogger(__name__)


def informers(api: Api, store: Store, gang: bool) -> list[Informer]:
    """Return one informer for each resource that jobs are made of or run on."""
    mine = JOB_LABEL
    return [
        Informer(api, "v1", "Pod", store.pod_changed, trim=trim_pod),
        Informer(api, "v1", "Node", store.node_changed),
        Informer(api, "v1", "PersistentVolumeClaim", store.claim_changed),
        Informer(api, "v1", "Service", store.object_changed, selector=mine),
        Informer(api, "v1", "ConfigMap", store.object_changed, selector=mine),
        *([Informer(api, GANG_VERSION, "PodGroup", store.object_changed, selector=mine)] if gang else []),
    ]


async def list_once(api: Api, store: Store) -> None:
    """Read all clusters and jobs once, so that no decision is made on half of them."""
    for kind, change in ((CLUSTER_KIND, store.cluster_changed), (JOB_KIND, store.job_changed)):
        while True:
            try:
                listing = await api.call("GET", path_of(API_VERSION, kind))
                break
            except ApiError as error:  # right after the installation the API server may not serve them yet
                log.warning("reading %s: %s", kind, error.message)
                await asyncio.sleep(RETRY_SECONDS)
        for thing in listing.get("items") or ():
            change("put", {**thing, "apiVersion": API_VERSION, "kind": kind})


async def log_in() -> None:
    """Read the service account of the pod, or outside a cluster the kubeconfig."""
    if "KUBERNETES_SERVICE_HOST" in os.environ:
        config.load_incluster_config()  # type: ignore[no-untyped-call]
    else:
        await config.load_kube_config()  # type: ignore[no-untyped-call]


async def run(settings: Settings) -> None:
    """Run until told to stop or the Lease is lost."""
    await log_in()
    async with ApiClient() as client, aiohttp.ClientSession() as session:
        api, queue = Api(client), WorkQueue()
        store = Store(queue)
        gang = await api.has_resource(GANG_VERSION, "podgroups")
        ready, leads = asyncio.Event(), asyncio.Event()
        REGISTRY.register(OperatorCollector(lambda: len(queue), leads.is_set, store.census))
        start_http_server(settings.metrics_port)
        watches = informers(api, store, gang)
        reconciler = Reconciler(api=api, store=store, queue=queue, images=settings.images, gang=gang)

        async def sync_and_watch() -> None:
            """Healthy, to the kubelet, is who has seen the cluster: kopf answers its probes from then on."""
            await asyncio.gather(*(watch.synced.wait() for watch in watches))
            await list_once(api, store)
            ready.set()
            health = f"http://0.0.0.0:{settings.health_port}/healthz"
            await kopf.operator(registry=registry(store), clusterwide=True, standalone=True, liveness_endpoint=health)

        async def campaign() -> None:
            await ready.wait()
            await run_leader_election(client, settings.namespace, settings.identity, leads)

        async def work() -> None:
            await leads.wait()
            log.info("leading as %s, gang scheduling %s", settings.identity, "on" if gang else "not available")
            await asyncio.gather(*(reconciler.work(session) for _ in range(CONCURRENT_RECONCILES)))

        tasks = [
            *(asyncio.create_task(watch.run(), name=f"informer {watch.kind}") for watch in watches),
            asyncio.create_task(sync_and_watch(), name="kopf"),
            asyncio.create_task(campaign(), name="lease"),
            asyncio.create_task(work(), name="work"),
        ]
        done, rest = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        for task in rest:
            task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await asyncio.gather(*rest, return_exceptions=True)
        for task in done:
            log.info("stopping: %s ended", task.get_name())
            task.result()
