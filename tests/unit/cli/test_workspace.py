"""What a run finds of an earlier one."""

from collections.abc import Callable
from pathlib import Path

import pytest

from llmtrain_api.job import JobSpec
from llmtrain_api.run_config import RunConfig
from llmtrain_cli.errors import BadInput
from llmtrain_cli.job_file import Job
from llmtrain_cli.workspace import Workspace

MakeFolder = Callable[..., Workspace]


@pytest.fixture
def folder(tmp_path: Path) -> MakeFolder:
    """Return the folder of a job that trains for so many steps, on so many workers."""

    def make(*, name: str = "gpt", steps: int = 10, replicas: int = 1) -> Workspace:
        spec = JobSpec.model_validate(
            {
                "workers": {"replicas": replicas},
                "data": {"source": {"volume": "texts", "path": "poems"}},
                "training": {"steps": steps},
                "checkpoint": {"volume": "results"},
            }
        )
        return Workspace(directory=tmp_path, job=Job(name=name, spec=spec))

    return make


def prepared(folder: Workspace, *, fresh: bool = False) -> Workspace:
    """Prepare a folder as a run does that has ended since."""
    with folder.opened(fresh=fresh):
        return folder


def test_the_next_run_has_the_same_uid_and_another_job_has_not(folder: MakeFolder) -> None:
    assert folder().uid == folder(steps=11).uid
    assert folder().uid != folder(name="other").uid


def test_volumes_are_folders(folder: MakeFolder, tmp_path: Path) -> None:
    first = prepared(folder())
    run = first.write_run_config(8470)
    assert run.data_directory == str(tmp_path / "volumes" / "texts")
    assert run.job_directory == str(tmp_path / "volumes" / "results" / f"gpt-{first.uid[:8]}")
    assert RunConfig.read(first.run_file) == run


def test_a_changed_training_is_refused(folder: MakeFolder) -> None:
    (prepared(folder(steps=10)).results / "checkpoint").touch()
    with pytest.raises(BadInput, match=r"^spec\.training can't be changed: .*--fresh"):
        prepared(folder(steps=11))
    prepared(folder(steps=10))


def test_what_never_trained_can_be_changed(folder: MakeFolder) -> None:
    prepared(folder(steps=10))
    prepared(folder(steps=11))


def test_another_number_of_workers_is_no_change(folder: MakeFolder) -> None:
    prepared(folder(replicas=1))
    prepared(folder(replicas=2))


def test_fresh_throws_the_earlier_run_away_and_keeps_the_text(folder: MakeFolder) -> None:
    first = prepared(folder(steps=10))
    checkpoint, text = first.results / "checkpoint", first.volume("texts") / "poem"
    checkpoint.touch()
    text.touch()
    assert first.first_loss(9.0) == 9.0
    second = prepared(folder(steps=11), fresh=True)
    assert (checkpoint.exists(), text.exists(), second.first_loss(None)) == (False, True, None)


def test_the_first_loss_is_that_of_the_first_run(folder: MakeFolder) -> None:
    first = prepared(folder())
    assert first.first_loss(None) is None
    assert first.first_loss(9.0) == 9.0
    assert prepared(folder()).first_loss(4.0) == 9.0


def test_two_runs_of_one_job_at_once_are_refused(folder: MakeFolder) -> None:
    with (
        folder().opened(fresh=False),
        pytest.raises(BadInput, match="another `llmtrain run` is training job gpt"),
        folder().opened(fresh=True),
    ):
        pass
    prepared(folder())
