"""A version of a job is read once, and each version is read."""

import pytest
from pydantic import ValidationError

from llmtrain_api.names import JOB_KIND
from llmtrain_operator.shell import job_reader
from llmtrain_operator.shell.job_reader import JobReader
from unit.operator.shell.echoing_api import SPEC, manifest


def test_the_same_version_is_read_once_and_another_one_again() -> None:
    reader, job = JobReader(), manifest(JOB_KIND, "j", SPEC, namespace="ns")
    first = reader.read(job)
    assert reader.read(job) is first
    changed = manifest(JOB_KIND, "j", SPEC, namespace="ns", resourceVersion="2", generation=5)
    assert reader.read(changed).metadata_generation == 5
    assert len(reader.jobs) == 1


def test_a_spec_is_read_once_for_all_versions_of_one_generation() -> None:
    reader = JobReader()
    first = reader.read(manifest(JOB_KIND, "j", SPEC, namespace="ns"))
    status = {"stage": "Training"}
    later = reader.read(manifest(JOB_KIND, "j", SPEC, status, namespace="ns", resourceVersion="2"))
    assert later.status.stage == "Training"
    assert later.spec is first.spec
    other = {**SPEC, "suspend": True}
    changed = reader.read(manifest(JOB_KIND, "j", other, status, namespace="ns", resourceVersion="3", generation=2))
    assert changed.spec.suspend
    assert not later.spec.suspend


def test_a_spec_is_read_each_time_if_its_generation_is_not_known() -> None:
    reader = JobReader()
    for version, suspend in enumerate((False, True)):
        job = manifest(JOB_KIND, "j", {**SPEC, "suspend": suspend}, namespace="ns", resourceVersion=f"{version}")
        job["metadata"]["generation"] = None
        assert reader.read(job).spec.suspend is suspend


def test_a_version_that_cannot_be_read_is_refused_each_time() -> None:
    reader, unreadable = JobReader(), manifest(JOB_KIND, "j", {**SPEC, "training": {"steps": "many"}}, namespace="ns")
    for _ in range(2):
        with pytest.raises(ValidationError):
            reader.read(unreadable)


def test_jobs_that_were_not_read_for_long_are_forgotten(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(job_reader, "MAX_JOBS", 2)
    reader = JobReader()
    for name in ("a", "b", "a", "c"):
        reader.read(manifest(JOB_KIND, name, SPEC, namespace="ns"))
    assert list(reader.jobs) == ["uid-of-a", "uid-of-c"]
