"""The coordinator: one small pod, and the only Service of a job."""

import re
from collections.abc import Iterable

from llmtrain_api.cluster import ComputePool
from llmtrain_api.job_status import JobStatus
from llmtrain_api.names import COORDINATOR_PORT, JOB_LABEL, ROLE_LABEL, TERM_ANNOTATION, coordinator_name
from llmtrain_api.rules import torchrun
from llmtrain_operator.core.manifest import Manifest, text_at
from llmtrain_operator.core.objects.metadata import child_metadata
from llmtrain_operator.core.objects.pod import PodTemplate, pod
from llmtrain_operator.core.objects.token import token_volume
from llmtrain_operator.core.objects.volumes import EPHEMERAL_STORAGE, tmp_volume
from llmtrain_operator.core.pod_view import PodView
from llmtrain_operator.core.snapshot import Job

ROLE = "coordinator"
"""Role label of the pod and the Service."""
GRACE_SECONDS = 2
"""Termination grace period of the coordinator, which has no state to save."""
TMP_SIZE = "64Mi"
"""Size of /tmp, which the coordinator hardly uses."""
STORAGE_LIMIT = "256Mi"
"""Limit of /tmp and the log together, which the kubelet rotates at 50 MiB by default."""


def coordinator_pod(
    job: Job,
    *,
    term: int,
    image: str,
    pull_policy: str,
    gang: str,
    pool: ComputePool | None = None,
    otlp_endpoint: str = "",
    avoid_nodes: tuple[str, ...] = (),
) -> Manifest:
    """Return the coordinator's pod. Its annotations let Prometheus discover the job's metrics.

    `term` orders the coordinators of a job, `gang` is the name of the PodGroup, `pool` the compute pool of the job, if the
    LLMCluster has any, `otlp_endpoint` where metrics are exported to; both texts can be empty. On `avoid_nodes` it runs only
    if it finds room nowhere else.
    """
    template = PodTemplate(
        role=ROLE,
        image=image,
        pull_policy=pull_policy,
        arguments=arguments(job, term),
        resources=resources(job.spec.workers.replicas * job.spec.workers.ranks),
        grace_seconds=GRACE_SECONDS,
        annotations={
            TERM_ANNOTATION: str(term),
            "prometheus.io/scrape": "true",
            "prometheus.io/port": str(COORDINATOR_PORT),
            "prometheus.io/path": "/metrics",
        },
        volumes=(tmp_volume(TMP_SIZE), token_volume(job)),
        env=({"name": "OTEL_EXPORTER_OTLP_ENDPOINT", "value": otlp_endpoint},) if otlp_endpoint else (),
        restart_policy="Always",
        pool=pool,
        gang=gang,
    )
    manifest = pod(job, coordinator_name(job.name), template)
    container = manifest["spec"]["containers"][0]
    container["ports"] = [{"name": "http", "containerPort": COORDINATOR_PORT, "protocol": "TCP"}]
    if avoid_nodes:
        manifest["spec"]["affinity"] = {"nodeAffinity": avoidance(avoid_nodes)}
    return manifest


def avoidance(nodes: tuple[str, ...]) -> Manifest:
    """Return the node affinity that prefers other nodes than these."""
    fields = [{"key": "metadata.name", "operator": "NotIn", "values": [node]} for node in nodes]
    preference = {"weight": 100, "preference": {"matchFields": fields}}
    return {"preferredDuringSchedulingIgnoredDuringExecution": [preference]}


def resources(ranks: int) -> dict[str, dict[str, str]]:
    """Return the resources of a coordinator by the number of ranks: heartbeats take CPU time, waiting answers memory.

    A membership has 200 bytes a rank, and is buffered once for each rank that reads slowly.
    """
    memory = {"requests": f"{64 + ranks // 16}Mi", "limits": f"{256 + ranks // 4}Mi"}
    return {
        "requests": {"cpu": f"{50 + ranks // 4}m", "memory": memory["requests"], EPHEMERAL_STORAGE: "0"},
        "limits": {"memory": memory["limits"], EPHEMERAL_STORAGE: STORAGE_LIMIT},
    }


def arguments(job: Job, term: int) -> tuple[str, ...]:
    """Return the command line of the coordinator."""
    workers = job.spec.workers
    return (
        "llmtrain_coordinator",
        f"--job={job.name}",
        f"--namespace={job.namespace}",
        f"--uid={job.uid}",
        f"--workers={workers.replicas}",
        f"--ranks-per-worker={workers.ranks}",
        f"--min-workers={workers.min}",
        f"--term={term}",
        *(["--no-progress"] if torchrun(job.spec) else []),
        f"--port={COORDINATOR_PORT}",
    )


def coordinator_service(job: Job) -> Manifest:
    """Return the coordinator's Service, by which trainers find its pod.

    It is headless: the API server allocates one cluster IP after the other, a few a second while it is busy, and each
    costs rules on every node. It resolves before the coordinator is ready, because trainers retry.
    """
    return {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": child_metadata(job, coordinator_name(job.name), ROLE),
        "spec": {
            "clusterIP": "None",
            "selector": {JOB_LABEL: job.name, ROLE_LABEL: ROLE},
            "publishNotReadyAddresses": True,
            "ports": [{"name": "http", "port": COORDINATOR_PORT, "targetPort": COORDINATOR_PORT, "protocol": "TCP"}],
        },
    }


def next_term(status: JobStatus, existing: PodView | None, *, is_refused: bool = False) -> int:
    """Return the term of the existing coordinator pod, or of the one to create: greater than all terms before.

    `is_refused` is whether the creation of the pod was refused when it was tried last: no pod ever had that term.
    """
    term = status.coordinator_term
    if existing is None:
        return term if is_refused and term else term + 1
    return max(term, term_of(existing.manifest))


def newest_term(status: JobStatus, pods: Iterable[Manifest]) -> int:
    """Return the newest term of a job when `pods`, which may be others, exist: one that no pod gets is not used up."""
    return max((status.coordinator_term, *(term_of(pod) for pod in pods)))


def term_of(pod: Manifest) -> int:
    """Return the term in the annotation of a coordinator's pod; 0 if there is none."""
    term = text_at(pod, "metadata", "annotations", TERM_ANNOTATION)
    return int(term) if re.fullmatch("[0-9]{1,9}", term) else 0
