"""Starts the operator: every replica runs informers and kopf, the leader reconciles."""

import asyncio
import contextlib
import logging
import os
import signal
from urllib.request import getproxies

import aiohttp
import kopf
from kubernetes.aio import config
from kubernetes.aio.client import ApiClient, Configuration
from prometheus_client import REGISTRY, start_http_server

from llmtrain_api.events import OperatorEvent
from llmtrain_api.listening import any_address, url_host
from llmtrain_api.names import API_VERSION, CLUSTER_KIND, JOB_KIND, JOB_LABEL
from llmtrain_operator.core.objects.network_policy import API_VERSION as NETWORK_VERSION
from llmtrain_operator.core.objects.pod_group import API_VERSION as GANG_VERSION
from llmtrain_operator.shell.api import MAX_IN_FLIGHT, Api
from llmtrain_operator.shell.errors import Unavailable
from llmtrain_operator.shell.handlers import registry
from llmtrain_operator.shell.informer import RETRY_SECONDS, Informer
from llmtrain_operator.shell.leader import Lease, run_leader_election
from llmtrain_operator.shell.metrics import OperatorCollector
from llmtrain_operator.shell.namespace_index import trim_quota
from llmtrain_operator.shell.observe import observe_fleet
from llmtrain_operator.shell.own_thread import run_in_thread
from llmtrain_operator.shell.reconcile import Reconciler
from llmtrain_operator.shell.relevance import trim_pod
from llmtrain_operator.shell.settings import Settings
from llmtrain_operator.shell.store import Store
from llmtrain_operator.shell.work_queue import WorkQueue

CONCURRENT_RECONCILES = 64
"""Keys that are reconciled at the same time: enough that jobs with hundreds of pods do not hold up all others."""
MAX_WATCHES = 32
"""Connections for watches, beside those for other requests: none must wait for another."""
log = logging.getLogger(__name__)


def informers(api: Api, store: Store, gang: bool) -> list[Informer]:
    """Return one informer for each kind of object: jobs, LLMClusters, and what jobs consist of or run on."""
    return [
        Informer(api, API_VERSION, CLUSTER_KIND, store.cluster_changed, from_cache=True),
        Informer(api, API_VERSION, JOB_KIND, store.job_changed),
        Informer(api, "v1", "Pod", store.pod_changed, trim=trim_pod),
        Informer(api, "v1", "Node", store.node_changed),
        Informer(api, "v1", "PersistentVolumeClaim", store.claim_changed),
        Informer(api, "v1", "Namespace", store.namespace_changed, metadata_only=True),
        Informer(api, "v1", "ResourceQuota", store.quota_changed, trim=trim_quota),
        Informer(api, "v1", "Service", store.object_changed, selector=JOB_LABEL),
        Informer(api, "v1", "ConfigMap", store.object_changed, selector=JOB_LABEL, metadata_only=True),
        Informer(api, NETWORK_VERSION, "NetworkPolicy", store.object_changed, selector=JOB_LABEL),
        *([Informer(api, GANG_VERSION, "PodGroup", store.object_changed, selector=JOB_LABEL)] if gang else []),
    ]


async def serves_gangs(api: Api) -> bool:
    """Return whether the API server serves PodGroups, as soon as it answers."""
    while True:
        try:
            return await api.has_resource(GANG_VERSION, "podgroups")
        except Unavailable as error:
            fields = {"kind": "PodGroup", "message": error.message}
            log.warning(OperatorEvent.LIST_FAILED, extra={"fields": fields})
            await asyncio.sleep(RETRY_SECONDS)


async def log_in() -> None:
    """Load the pod's service account, or outside of a cluster the kubeconfig."""
    if "KUBERNETES_SERVICE_HOST" in os.environ:
        config.load_incluster_config()  # type: ignore[no-untyped-call]
    else:
        await config.load_kube_config()  # type: ignore[no-untyped-call]


def api_client() -> ApiClient:
    """Return a client with the credentials that were loaded.

    Only if the environment names a proxy, its variables and ~/.netrc are read, which the client does again for each request.
    """
    configuration = Configuration.get_default_copy()
    configuration.client_session_kwargs = {"trust_env": bool(getproxies())}
    configuration.connection_pool_maxsize = MAX_IN_FLIGHT + MAX_WATCHES
    return ApiClient(configuration)


async def run(settings: Settings) -> None:
    """Run until cancelled or until the Lease is lost; raise the error of the first task that fails."""
    await log_in()
    async with api_client() as client, aiohttp.ClientSession() as session:
        api, queue = Api(client), WorkQueue()
        store = Store(queue)
        api.may_write = lambda: False
        gang = await serves_gangs(api)
        ready, leads, stopping = asyncio.Event(), asyncio.Event(), asyncio.Event()
        REGISTRY.register(OperatorCollector(lambda: len(queue), leads.is_set, lambda: observe_fleet(store)))
        start_http_server(settings.metrics_port, addr=any_address())
        loop = asyncio.get_running_loop()
        loop.add_signal_handler(signal.SIGTERM, stopping.set)  # until kopf handles signals
        all_informers = informers(api, store, gang)
        reconciler = Reconciler(
            api=api, store=store, queue=queue, images=settings.images, keys=settings.keys, gang=gang
        )

        async def sync_and_watch() -> None:
            """Run kopf once the caches have synced; only then does it answer the liveness probes."""
            await asyncio.gather(*(informer.synced.wait() for informer in all_informers))
            ready.set()
            health = f"http://{url_host(settings.health_address)}:{settings.health_port}/healthz"
            handlers = registry(all_informers, stopping)
            await kopf.operator(registry=handlers, clusterwide=True, standalone=True, liveness_endpoint=health)

        async def elect() -> None:
            """Run the election in its own thread, with connections of its own: requests of others do not delay it."""
            async with api_client() as lease_client:
                lease = Lease(Api(lease_client), settings.namespace, settings.identity)
                api.may_write = lambda: lease.remaining_seconds > 0
                await run_leader_election(lease, lambda: loop.call_soon_threadsafe(leads.set))

        async def campaign() -> None:
            await ready.wait()
            await run_in_thread(elect)

        async def work() -> None:
            await leads.wait()
            fields = {"identity": settings.identity, "gang_scheduling": gang}
            log.info(OperatorEvent.LEADER_ELECTED, extra={"fields": fields})
            await asyncio.gather(*(reconciler.work(session) for _ in range(CONCURRENT_RECONCILES)))

        async def stopped() -> None:
            await stopping.wait()

        working = asyncio.create_task(work(), name="work")
        tasks = [
            *(asyncio.create_task(informer.run(), name=f"informer {informer.kind}") for informer in all_informers),
            asyncio.create_task(sync_and_watch(), name="kopf"),
            asyncio.create_task(campaign(), name="lease"),
            asyncio.create_task(stopped(), name="stop"),
            working,
        ]
        done, rest = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        await stop({working} & rest)  # before the Lease is released
        await stop(rest)
        for task in done:
            log.info(OperatorEvent.OPERATOR_STOPPED, extra={"fields": {"task": task.get_name()}})
            task.result()


async def stop(tasks: set[asyncio.Task[None]]) -> None:
    """Cancel tasks, and wait until they have ended."""
    for task in tasks:
        task.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await asyncio.gather(*tasks, return_exceptions=True)
