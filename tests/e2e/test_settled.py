"""In a settled state the operator makes less than one call a second, however many jobs there are."""

import json
from collections.abc import Iterator
from typing import Any

import pytest

from e2e.jobs import ENDLESS, job
from e2e.kube import Kube, condition
from llmtrain_cli.prometheus import Prometheus
from support.measurements import RecordMeasurement

pytestmark = pytest.mark.serial
NAME, EACH, PREPARED_JOBS = "e2e-settled", 20, 5
RATE = "sum(rate(llmtrain_operator_api_calls_total[1m]))"
FAILED = {
    "type": "Failed",
    "status": "True",
    "reason": "BadInput",
    "message": "as if it had failed",
    "lastTransitionTime": "2026-11-23T12:00:00Z",
}
PREPARED = {
    "stage": "Preparing",
    "dataset": {"id": "d1", "tokens": 1000, "heldOutTokens": 50, "vocabSize": 4096},
}
"""Status of a job whose text is tokenized, so that it is refused where it would train."""


@pytest.fixture
def tenant(kube: Kube) -> Iterator[Kube]:
    """A namespace whose quota allows no pod."""
    tenant = Kube(environment=kube.environment, namespace=NAME)
    kube.run("create", "namespace", NAME)
    spec = {"hard": {"pods": "0"}}
    tenant.apply({"apiVersion": "v1", "kind": "ResourceQuota", "metadata": {"name": "pods"}, "spec": spec})
    yield tenant
    kube.run("delete", "namespace", NAME, "--wait=false")


def reasons(tenant: Kube, prefix: str) -> list[str]:
    """Return why each of some jobs is not scheduled."""
    found = [each for each in tenant.objects("ltj") if each["metadata"]["name"].startswith(prefix)]
    return [condition(each.get("status", {}), "Scheduled").get("reason", "") for each in found]


def refused_to_train(tenant: Kube) -> list[str]:
    """Return the messages of the jobs whose coordinator or worker is refused."""
    messages = [condition(each.get("status", {}), "Scheduled").get("message", "") for each in tenant.objects("ltj")]
    return [each for each in messages if "-coordinator of this job" in each or "-worker-" in each]


def patch(tenant: Kube, name: str, status: dict[str, Any]) -> None:
    """Write fields of the status of a job, as if the operator had."""
    tenant.run("patch", "ltj", name, "--subresource=status", "--type=merge", "-p", json.dumps({"status": status}))


def test_jobs_that_finished_wait_or_train_cost_less_than_a_call_a_second(
    kube: Kube, tenant: Kube, new_job: str, prometheus: Prometheus, record_measurement: RecordMeasurement
) -> None:
    kube.apply(job(new_job, steps=ENDLESS))
    tenant.apply(*(job(f"waiting-{number}", cluster="nowhere") for number in range(EACH)))
    tenant.apply(*(job(f"refused-{number}") for number in range(EACH)))
    tenant.apply(*(job(f"prepared-{number}") for number in range(PREPARED_JOBS)))
    tenant.apply(*(job(f"finished-{number}", suspend=True) for number in range(EACH)))
    for number in range(EACH):
        patch(tenant, f"finished-{number}", {"stage": "Failed", "conditions": [FAILED]})
    for number in range(PREPARED_JOBS):
        patch(tenant, f"prepared-{number}", PREPARED)
    kube.wait_for_step(new_job, 30)
    tenant.wait("all wait", lambda: reasons(tenant, "waiting") == ["ClusterNotFound"] * EACH)
    tenant.wait("all are refused", lambda: reasons(tenant, "refused") == ["APIRejected"] * EACH)
    tenant.wait("all others are refused where they train", lambda: len(refused_to_train(tenant)) == PREPARED_JOBS, 120)

    def settled() -> float | None:
        rate = next((series.value for series in prometheus.query(RATE)), None)
        return rate if rate is not None and rate < 1 else None

    rate = kube.wait("less than one call a second", settled, 240)
    record_measurement("settled_calls_per_second", rate, "1/s")
