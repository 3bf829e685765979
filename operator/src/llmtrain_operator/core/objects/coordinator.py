"""The coordinator: one small pod and the only Service of a job."""

from llmtrain_api.job_status import JobStatus
from llmtrain_api.names import COORDINATOR_PORT, JOB_LABEL, ROLE_LABEL, TERM_ANNOTATION, coordinator_name
from llmtrain_api.rules import torchrun
from llmtrain_operator.core.objects.metadata import child_metadata
from llmtrain_operator.core.objects.pod import pod
from llmtrain_operator.core.pod_view import PodView
from llmtrain_operator.core.snapshot import Job, Manifest

ROLE = "coordinator"


def coordinator_pod(
    job: Job, *, term: int, image: str, pull_policy: str, gang: str, otlp_endpoint: str = ""
) -> Manifest:
    """Return the pod. Its annotations let Prometheus find the job's metrics."""
    spec = job.spec.workers
    manifest = pod(
        job,
        name=coordinator_name(job.name),
        role=ROLE,
        image=image,
        pull_policy=pull_policy,
        arguments=[
            "llmtrain_coordinator",
            f"--job={job.name}",
            f"--namespace={job.namespace}",
            f"--uid={job.uid}",
            f"--workers={spec.replicas}",
            f"--ranks-per-worker={spec.ranks}",
            f"--min-workers={spec.min}",
            f"--term={term}",
            *(["--no-progress"] if torchrun(job.spec) else []),
            f"--port={COORDINATOR_PORT}",
        ],
        resources={"requests": {"cpu": "50m", "memory": "64Mi"}, "limits": {"memory": "256Mi"}},
        grace_seconds=2,
        run_config=False,
        env=[{"name": "OTEL_EXPORTER_OTLP_ENDPOINT", "value": otlp_endpoint}] if otlp_endpoint else [],
        restart_policy="Always",
        gang=gang,
    )
    manifest["metadata"]["annotations"] = {
        TERM_ANNOTATION: str(term),
        "prometheus.io/scrape": "true",
        "prometheus.io/port": str(COORDINATOR_PORT),
        "prometheus.io/path": "/metrics",
    }
    container = manifest["spec"]["containers"][0]
    container["ports"] = [{"name": "http", "containerPort": COORDINATOR_PORT, "protocol": "TCP"}]
    return manifest


def coordinator_service(job: Job) -> Manifest:
    """Return the Service. It gives the address of a coordinator that isn't ready yet, too: trainers ask again."""
    return {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": child_metadata(job, coordinator_name(job.name), ROLE),
        "spec": {
            "selector": {JOB_LABEL: job.name, ROLE_LABEL: ROLE},
            "publishNotReadyAddresses": True,
            "ports": [{"name": "http", "port": COORDINATOR_PORT, "targetPort": COORDINATOR_PORT, "protocol": "TCP"}],
        },
    }


def next_term(status: JobStatus, living: PodView | None) -> int:
    """Return the term of the coordinator that lives, or of the next one: greater than any before."""
    if living is None:
        return status.coordinator_term + 1
    annotations = living.manifest["metadata"].get("annotations") or {}
    return max(status.coordinator_term, int(annotations.get(TERM_ANNOTATION, 0)))
