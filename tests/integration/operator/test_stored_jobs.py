"""A job that an earlier version of the API accepted can still change where the new rules refuse its settings."""

import asyncio
from collections.abc import Iterator
from copy import deepcopy
from typing import Any

import pytest

from contract.example_job import job_with
from llmtrain_api.generate.crd import definitions
from llmtrain_api.names import GROUP, JOB_PLURAL, VERSION
from llmtrain_api.training_rules import TRAINING_RULES
from support.control_plane import Administrator, RequestFailed, Server

pytestmark = [pytest.mark.apiserver, pytest.mark.timeout(300)]

JOBS = f"/apis/{GROUP}/{VERSION}/namespaces/default/{JOB_PLURAL}"
CRDS = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions"
REFUSED_NOW = {
    "spec.training": {"steps": 10, "warmupSteps": 50, "clipNorm": "1e-9", "optimizer": {"beta2": "1"}},
    "spec.model": {"heads": 4, "kvHeads": 3},
}
CHANGES: list[dict[str, Any]] = [
    {"spec": {"suspend": True}},
    {"spec": {"workers": {"replicas": 1}}},
    {"metadata": {"finalizers": ["example.com/wait"]}},
    {"metadata": {"finalizers": None}},
]
POLL_SECONDS = 0.1
REFUSAL = "must be less than spec.training.steps"


def schemas(node: Any) -> Iterator[dict[str, Any]]:
    """Yield every object in a document."""
    if isinstance(node, dict):
        yield node
        node = list(node.values())
    if isinstance(node, list):
        for child in node:
            yield from schemas(child)


def without_training_rules(crd: dict[str, Any]) -> dict[str, Any]:
    """Return a CRD as it was before the rules about the numbers of a training."""
    earlier, messages = deepcopy(crd), {rule.message for rule in TRAINING_RULES}
    for schema in schemas(earlier):
        rules = schema.get("x-kubernetes-validations")
        if isinstance(rules, list):
            schema["x-kubernetes-validations"] = [rule for rule in rules if rule["message"] not in messages]
    return earlier


async def install(admin: Administrator, crd: dict[str, Any], *, refuses: bool) -> None:
    """Install a CRD, and wait until the API server judges jobs by it."""
    await admin.apply(f"{CRDS}/{crd['metadata']['name']}", crd)
    probe = job_with(REFUSED_NOW, {"metadata.name": "probe"})
    async with asyncio.timeout(60):
        while True:
            try:
                await admin.send("POST", f"{JOBS}?dryRun=All", probe)
                refused = False
            except RequestFailed as error:
                refused = REFUSAL in str(error)
            if refused is refuses:
                return
            await asyncio.sleep(POLL_SECONDS)


async def test_a_stored_job_that_new_rules_refuse_can_be_changed_elsewhere(control_plane: Server) -> None:
    crd = definitions()[f"{JOB_PLURAL}.yaml"]
    async with control_plane.connect() as session:
        admin = Administrator(session)
        await install(admin, without_training_rules(crd), refuses=False)
        await admin.send("POST", JOBS, job_with(REFUSED_NOW, {"metadata.name": "old"}))
        await install(admin, crd, refuses=True)
        await admin.merge(f"{JOBS}/old/status", {"status": {"startTime": "2026-01-01T00:00:00Z", "stage": "Training"}})
        for change in CHANGES:
            await admin.merge(f"{JOBS}/old", change)
        stored = await admin.send("GET", f"{JOBS}/old")
        assert (stored["spec"]["suspend"], stored["spec"]["workers"]["replicas"]) == (True, 1)
        assert stored["status"]["stage"] == "Training"
