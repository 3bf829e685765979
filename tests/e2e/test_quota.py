"""A job that a tenant's quota refuses says so once, and starts when the quota grows."""

import json
from collections.abc import Iterator

import pytest

from e2e.jobs import job
from e2e.kube import Kube, condition

NAME, PODS = "e2e-quota", {"pods": "0"}


@pytest.fixture
def tenant(kube: Kube) -> Iterator[Kube]:
    """A namespace whose quota allows no pod."""
    tenant = Kube(environment=kube.environment, namespace=NAME)
    kube.run("create", "namespace", NAME)
    quota = {"apiVersion": "v1", "kind": "ResourceQuota", "metadata": {"name": "pods"}, "spec": {"hard": PODS}}
    tenant.apply(quota)
    tenant.wait("the quota is known", lambda: (tenant.get("resourcequota", "pods") or {}).get("status", {}).get("hard"))
    yield tenant
    kube.run("delete", "namespace", NAME, "--wait=false")


def test_a_job_that_a_quota_refuses_starts_when_the_quota_grows(tenant: Kube) -> None:
    tenant.apply(job("refused"))
    refused = tenant.wait(
        "it is refused",
        lambda: (c := condition(tenant.status("refused"), "Scheduled")).get("reason") == "APIRejected" and c,
    )
    assert "exceeded quota: pods" in refused["message"]
    tenant.run("patch", "resourcequota", "pods", "--type=merge", "-p", json.dumps({"spec": {"hard": {"pods": "9"}}}))
    tenant.wait("its first pod exists", lambda: tenant.pods("refused"), 13)
    reasons = [event["reason"] for event in tenant.events("refused")]
    assert reasons.count("APIRejected") == 1
