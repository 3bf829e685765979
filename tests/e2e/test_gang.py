"""All pods at once or none: a job too large for the cluster leaves no pod running and reports the reason."""

import pytest

from e2e.jobs import ENDLESS, job
from e2e.kube import Kube, condition

pytestmark = pytest.mark.serial


def test_a_job_too_large_leaves_no_pod_running(kube: Kube, new_job: str) -> None:
    workers = {"replicas": 4, "resources": {"cpu": "1500m", "memory": "1Gi"}}
    kube.apply(job(new_job, steps=ENDLESS, workers=workers))
    status = kube.wait(
        "the job reports why it waits",
        lambda: condition(s := kube.status(new_job), "Scheduled").get("reason") == "Unschedulable" and s,
    )
    assert "of 5 pods have no node" in condition(status, "Scheduled")["message"]
    assert "spec.workers.replicas" in condition(status, "Scheduled")["message"]
    pods = [*kube.pods(new_job, "worker"), *kube.pods(new_job, "coordinator")]
    assert [pod["status"]["phase"] for pod in pods] == ["Pending"] * 5
    assert not [pod for pod in pods if pod["spec"].get("nodeName")]
    kube.wait("an event reports it", lambda: [e for e in kube.events(new_job) if e["reason"] == "Unschedulable"])


def test_a_gang_starts_when_it_is_made_small_enough(kube: Kube, new_job: str) -> None:
    workers = {"replicas": 4, "resources": {"cpu": "1200m", "memory": "1Gi"}}
    kube.apply(job(new_job, steps=ENDLESS, workers=workers))
    kube.wait("it waits", lambda: condition(kube.status(new_job), "Scheduled").get("reason") == "Unschedulable")
    kube.run("scale", f"ltj/{new_job}", "--replicas=1")
    kube.wait_for_stage(new_job, "Training")
    kube.wait("surplus workers are gone", lambda: len(kube.pods(new_job, "worker")) == 1)
