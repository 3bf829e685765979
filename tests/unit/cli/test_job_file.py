"""A job file is read with all its documents, and the job that is meant is found."""

from pathlib import Path

import pytest
import yaml

from llmtrain_cli.__main__ import main
from llmtrain_cli.errors import BadInput
from llmtrain_cli.job_file import read_job, read_jobs
from unit.cli.job_documents import SMALL_JOB as JOB

OTHER = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "settings"}}
NAMED = [{**JOB, "metadata": {"name": name}} for name in ("one", "two")]


def written(folder: Path, *documents: object) -> Path:
    """Return a file with documents."""
    file = folder / "job.yaml"
    file.write_text(yaml.safe_dump_all(documents))
    return file


def test_a_job_is_read(tmp_path: Path) -> None:
    job = read_job(written(tmp_path, JOB))
    assert (job.name, job.spec.training.steps) == ("gpt", 10)


def test_all_jobs_and_other_objects_are_read(tmp_path: Path) -> None:
    jobs, others = read_jobs(written(tmp_path, OTHER, *NAMED))
    assert ([job.name for job in jobs], others) == (["one", "two"], ("ConfigMap settings",))


def test_a_list_of_objects_is_read_like_documents(tmp_path: Path) -> None:
    jobs, others = read_jobs(written(tmp_path, {"apiVersion": "v1", "kind": "List", "items": [OTHER, *NAMED]}))
    assert ([job.name for job in jobs], others) == (["one", "two"], ("ConfigMap settings",))


def test_one_of_several_jobs_is_chosen_by_its_name(tmp_path: Path) -> None:
    file = written(tmp_path, *NAMED, {**JOB, "metadata": {"name": "wrong"}, "spec": {}})
    assert read_job(file, "two").name == "two"


@pytest.mark.parametrize(
    ("documents", "name", "message"),
    [
        pytest.param(NAMED, "", "holds 2 jobs: one, two; choose one with --job NAME", id="no name"),
        pytest.param(NAMED, "three", "holds no job three; it holds one, two", id="another name"),
        pytest.param([NAMED[0]] * 2, "one", "holds 2 jobs: one, one; rename one of them", id="a name twice"),
        pytest.param([OTHER, OTHER], "", "holds 2 documents and no LLMTrainingJob", id="other objects alone"),
        pytest.param([OTHER], "", "kind: must be LLMTrainingJob, not 'ConfigMap'", id="one other object"),
        pytest.param([], "", "holds 0 documents", id="nothing"),
    ],
)
def test_a_job_that_is_not_the_only_one_is_bad_input(
    documents: list[object], name: str, message: str, tmp_path: Path
) -> None:
    with pytest.raises(BadInput, match=message):
        read_job(written(tmp_path, *documents), name)


def test_errors_of_several_jobs_name_the_job_and_its_line(tmp_path: Path) -> None:
    file = written(tmp_path, NAMED[0], {**NAMED[1], "spec": {}})
    line = file.read_text().splitlines().index("---") + 2
    with pytest.raises(BadInput, match=f"job two in line {line}: spec.training: is missing"):
        read_jobs(file)


def test_a_missing_file_is_bad_input(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["run", "/nowhere/job.yaml"]) == 2
    assert capsys.readouterr().err.startswith("llmtrain: /nowhere/job.yaml can't be read: No such file")
