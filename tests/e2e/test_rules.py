"""Every rule of the contract on a real API server: one job that it rejects and one that it accepts."""

from copy import deepcopy

import pytest

from contract.edit_cases import ALLOWED_EDITS, EDITS
from contract.example_job import Case, Edit, job_with
from contract.rule_cases import RULE_CASES
from contract.schema_cases import SCHEMA_CASES
from e2e.kube import Kube, Manifest


@pytest.mark.parametrize("case", [*RULE_CASES, *SCHEMA_CASES], ids=lambda case: case.sentence)
def test_apply_rejects_or_accepts(kube: Kube, case: Case) -> None:
    done = kube.apply(case.job, check=False, dry_run=True)
    if case.refusal is None:
        assert done.returncode == 0, done.stderr
    else:
        assert done.returncode != 0, "it was accepted"
        assert case.refusal in done.stderr


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
