"""The coordinator's pod and Service."""

from dataclasses import replace
from typing import Any

import pytest

from llmtrain_api.job_status import JobStatus
from llmtrain_api.names import TERM_ANNOTATION
from llmtrain_operator.core.objects.coordinator import coordinator_pod, coordinator_service, newest_term, next_term
from unit.operator.builders import job, pod

PROGRAM = {"entrypoint": {"script": "train.py", "mode": "Torchrun"}, "data": {"source": {"volume": "datasets"}}}


def coordinator(**spec: Any) -> dict[str, Any]:
    return coordinator_pod(job(**spec), term=3, image="operator:1", pull_policy="Always", gang="")


def test_the_coordinator_knows_job_workers_and_term() -> None:
    arguments = coordinator(workers={"replicas": 4, "min": 2})["spec"]["containers"][0]["args"]
    expected = {"--job=j", "--namespace=ns", "--uid=uid-of-j", "--workers=4", "--min-workers=2", "--term=3"}
    assert expected <= set(arguments)
    assert "--no-progress" not in arguments


def test_a_program_under_torchrun_reports_no_progress() -> None:
    assert "--no-progress" in coordinator(**PROGRAM)["spec"]["containers"][0]["args"]


@pytest.mark.parametrize(
    ("replicas", "gpus", "cpu", "memory", "limit"),
    [(2, 0, "50m", "64Mi", "256Mi"), (16, 8, "82m", "72Mi", "288Mi"), (128, 8, "306m", "128Mi", "512Mi")],
)
def test_it_gets_more_resources_the_more_ranks_there_are(
    replicas: int, gpus: int, cpu: str, memory: str, limit: str
) -> None:
    spec = coordinator(workers={"replicas": replicas, "gpus": gpus})["spec"]
    found = spec["containers"][0]["resources"]
    assert (found["requests"]["cpu"], found["requests"]["memory"], found["limits"]["memory"]) == (cpu, memory, limit)


def test_prometheus_discovers_it_and_it_restarts_in_place() -> None:
    manifest = coordinator()
    assert manifest["metadata"]["annotations"]["prometheus.io/scrape"] == "true"
    assert manifest["spec"]["restartPolicy"] == "Always"


def test_the_service_selects_the_coordinator_before_it_is_ready() -> None:
    service, manifest = coordinator_service(job()), coordinator()
    assert service["spec"]["selector"].items() <= manifest["metadata"]["labels"].items()
    assert service["spec"]["publishNotReadyAddresses"] is True
    assert service["spec"]["clusterIP"] == "None", "the API server allocates cluster IPs one by one"


def test_an_existing_coordinator_keeps_its_term_and_the_next_one_gets_a_greater_one() -> None:
    status = JobStatus(coordinator_term=2)
    existing = pod("j-coordinator", "coordinator")
    assert next_term(status, None) == 3
    assert next_term(status, existing) == 2
    annotated = {**existing.manifest, "metadata": {"annotations": {TERM_ANNOTATION: "3"}}}
    assert next_term(status, replace(existing, manifest=annotated)) == 3


def test_the_term_of_a_pod_that_was_not_created_is_used_by_the_next_one() -> None:
    assert next_term(JobStatus(coordinator_term=2), None, is_refused=True) == 2
    assert next_term(JobStatus(), None, is_refused=True) == 1
    existing = pod("j-coordinator", "coordinator")
    assert next_term(JobStatus(coordinator_term=2), existing, is_refused=True) == 2


@pytest.mark.parametrize(
    "annotations", [{TERM_ANNOTATION: "abc"}, {TERM_ANNOTATION: "9" * 5000}, {TERM_ANNOTATION: 3}, None, []]
)
def test_a_term_that_someone_changed_to_no_number_does_not_count(annotations: Any) -> None:
    existing = pod("j-coordinator", "coordinator")
    edited = replace(existing, manifest={**existing.manifest, "metadata": {"annotations": annotations}})
    assert next_term(JobStatus(coordinator_term=2), edited) == 2


def test_a_term_is_not_used_up_before_a_pod_gets_it() -> None:
    status = JobStatus(coordinator_term=2)
    created = coordinator_pod(job(), term=3, image="i", pull_policy="Never", gang="")
    assert newest_term(status, ()) == 2
    assert newest_term(status, (created,)) == 3
