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
