"""Every rule of the contract on a real API server: one job that it rejects and one that it accepts."""

from copy import deepcopy

import pytest

from contract.cluster_cases import CLUSTER_CASES, CLUSTER_EDITS, ClusterCase, ClusterEdit
from contract.edit_cases import ALLOWED_EDITS, EDITS
from contract.example_job import Case, Edit, job_with
from contract.integer_cases import INTEGER_CASES
from contract.rule_cases import RULE_CASES
from contract.schema_cases import SCHEMA_CASES
from e2e.kube import Kube, Manifest


@pytest.mark.parametrize("case", [*RULE_CASES, *SCHEMA_CASES, *INTEGER_CASES], ids=lambda case: case.sentence)
def test_apply_rejects_or_accepts(kube: Kube, case: Case) -> None:
    done = kube.apply(case.job, check=False, dry_run=True)
    if case.refusal is None:
        assert done.returncode == 0, done.stderr
    else:
        assert done.returncode != 0, "it was accepted"
        assert case.refusal in done.stderr


def llmcluster(name: str, spec: Manifest) -> Manifest:
    """Return the manifest of an LLMCluster."""
    return {"apiVersion": "llmtrain.dev/v1alpha1", "kind": "LLMCluster", "metadata": {"name": name}, "spec": spec}


@pytest.mark.parametrize("case", CLUSTER_CASES, ids=lambda case: case.sentence)
def test_apply_rejects_or_accepts_an_llmcluster(kube: Kube, case: ClusterCase) -> None:
    done = kube.apply(llmcluster("e2e-rules", case.spec), check=False, dry_run=True)
    assert (done.returncode == 0) is (case.refusal is None), done.stderr
    assert (case.refusal or "") in done.stderr


@pytest.mark.parametrize("edit", CLUSTER_EDITS, ids=lambda edit: edit.sentence)
def test_apply_rejects_or_accepts_a_change_of_an_llmcluster(kube: Kube, edit: ClusterEdit) -> None:
    tenants = {"tenants": [{"namespace": "e2e-not-there"}]}  # so that no claims are made in others
    kube.apply(llmcluster("e2e-rules", {**edit.before, **tenants}))
    try:
        done = kube.apply(llmcluster("e2e-rules", {**edit.after, **tenants}), check=False)
        assert (done.returncode == 0) is (edit.refusal is None), done.stderr
        assert (edit.refusal or "") in done.stderr
    finally:
        kube.run("delete", "llmc", "e2e-rules")


def started(kube: Kube, name: str, edit: Edit) -> Manifest:
    """Create a suspended job and mark it as started; return its manifest."""
    job = deepcopy(job_with(*([edit.before] if edit.before else []), {"metadata.name": name, "spec.suspend": True}))
    kube.apply(job)
    kube.wait("the operator has seen it", lambda: kube.status(name).get("stage"))
    status = '{"status":{"startTime":"2026-01-01T00:00:00Z"}}'
    kube.run("patch", "ltj", name, "--subresource=status", "--type=merge", "-p", status)
    return job


@pytest.mark.parametrize("edit", EDITS, ids=lambda edit: edit.field)
def test_what_a_started_job_was_made_for_stays(kube: Kube, new_job: str, edit: Edit) -> None:
    started(kube, new_job, edit)
    changed = job_with(
        *([edit.before] if edit.before else []), {"metadata.name": new_job, "spec.suspend": True}, edit.change
    )
    done = kube.apply(changed, check=False)
    assert done.returncode != 0, "it was accepted"
    assert f"spec.{edit.field} is immutable once the job has started" in done.stderr


@pytest.mark.parametrize("edit", ALLOWED_EDITS, ids=lambda edit: edit.field)
def test_what_may_change_may(kube: Kube, new_job: str, edit: Edit) -> None:
    started(kube, new_job, edit)
    changed = job_with(
        *([edit.before] if edit.before else []), {"metadata.name": new_job, "spec.suspend": True}, edit.change
    )
    kube.apply(changed)
