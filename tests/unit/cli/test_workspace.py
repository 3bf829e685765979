"""A run resumes from the files of an earlier run, or refuses those that don't fit."""

import uuid
from collections.abc import Callable
from pathlib import Path

import pytest

from llmtrain_api.job import JobSpec, ModelSpec
from llmtrain_api.job_token import read_token
from llmtrain_api.run_config import RunConfig
from llmtrain_cli.errors import BadInput
from llmtrain_cli.job_file import Job
from llmtrain_cli.workspace import Workspace

MakeWorkspace = Callable[..., Workspace]


@pytest.fixture
def workspace(tmp_path: Path) -> MakeWorkspace:
    """Return a function that makes the workspace of a job from its name, steps and replicas."""

    def make(
        *,
        name: str = "gpt",
        steps: int = 10,
        replicas: int = 1,
        directory: Path = tmp_path,
        vectors: dict[str, str] | None = None,
        **model: object,
    ) -> Workspace:
        spec = JobSpec.model_validate(
            {
                "workers": {"replicas": replicas},
                "model": model if vectors is None else {"name": "lstm", "vectors": vectors},
                "data": {"source": {"volume": "texts", "path": "poems"}},
                "training": {"steps": steps},
                "checkpoint": {"volume": "results"},
            }
        )
        return Workspace(directory=directory, job=Job(name=name, spec=spec))

    return make


def used(workspace: Workspace, *, fresh: bool = False) -> Workspace:
    """Return a workspace that a run has opened and closed."""
    with workspace.open(fresh=fresh):
        return workspace


def test_runs_of_one_job_share_a_uid_that_other_jobs_do_not_have(workspace: MakeWorkspace) -> None:
    assert workspace().uid == workspace(steps=11).uid
    assert workspace().uid != workspace(name="other").uid


def test_a_moved_directory_keeps_its_results(workspace: MakeWorkspace, tmp_path: Path) -> None:
    first = used(workspace(directory=tmp_path / "before"))
    (first.results / "checkpoint").touch()
    first.directory.rename(tmp_path / "after")
    moved = used(workspace(directory=tmp_path / "after"))
    assert moved.uid == first.uid
    assert (moved.results / "checkpoint").exists()


def test_the_results_of_an_earlier_version_are_found_where_they_are_and_where_they_were_moved(
    workspace: MakeWorkspace, tmp_path: Path
) -> None:
    """Earlier versions derived the uid from the path and recorded it in the run config alone."""
    first = used(workspace(directory=tmp_path / "before"))
    first.write_run_config(8470)
    derived = str(uuid.uuid5(uuid.NAMESPACE_URL, f"{(tmp_path / 'before').resolve()}/gpt"))
    (first.state / "uid").unlink()
    assert used(workspace(directory=tmp_path / "before")).uid == derived
    (first.state / "uid").unlink()
    first.directory.rename(tmp_path / "after")
    assert used(workspace(directory=tmp_path / "after")).uid == derived


def test_volumes_are_mapped_to_folders(workspace: MakeWorkspace, tmp_path: Path) -> None:
    first = used(workspace())
    run = first.write_run_config(8470)
    assert run.data_directory == str(tmp_path / "volumes" / "texts")
    assert run.job_directory == str(tmp_path / "volumes" / "results" / f"gpt-{first.uid[:8]}")
    assert RunConfig.read(first.run_file) == run


def test_the_folder_of_a_model_is_in_that_of_its_volume(workspace: MakeWorkspace, tmp_path: Path) -> None:
    assert used(workspace()).write_run_config(8470).model_directory is None
    model = ModelSpec.model_validate({"from": {"volume": "models", "path": "a/b"}})
    before = workspace()
    job = Job(name="gpt", spec=before.job.spec.model_copy(update={"model": model}))
    run = used(Workspace(directory=tmp_path, job=job)).write_run_config(8470)
    assert run.model_directory == str(tmp_path / "volumes" / "models" / "a" / "b")


def test_the_file_of_vectors_is_in_the_folder_of_its_volume(workspace: MakeWorkspace, tmp_path: Path) -> None:
    assert used(workspace()).write_run_config(8470).vectors_path is None
    model = ModelSpec.model_validate({"name": "lstm", "vectors": {"volume": "models", "path": "a/b.bin"}})
    before = workspace()
    job = Job(name="gpt", spec=before.job.spec.model_copy(update={"model": model}))
    run = used(Workspace(directory=tmp_path, job=job)).write_run_config(8470)
    assert run.vectors_path == str(tmp_path / "volumes" / "models" / "a" / "b.bin")


def test_each_run_has_a_token_of_its_own_that_other_users_cannot_read(workspace: MakeWorkspace) -> None:
    tokens = set()
    for _ in range(2):
        file = Path(used(workspace()).write_run_config(8470).token_file)
        tokens.add(read_token(file))
        assert file.stat().st_mode & 0o777 == 0o600
    assert len(tokens) == 2


def test_changed_training_settings_are_refused_once_there_are_results(workspace: MakeWorkspace) -> None:
    first = used(workspace())
    (first.results / "checkpoint").touch()
    spec = first.job.spec.model_copy(update={"model": ModelSpec(layers=3)})
    with pytest.raises(BadInput, match=r"^spec\.model\.layers \(unset before, 3 now\) can't be changed: .*--fresh"):
        used(Workspace(directory=first.directory, job=Job(name="gpt", spec=spec)))
    used(workspace())


def test_the_steps_can_change(workspace: MakeWorkspace) -> None:
    (used(workspace(steps=10)).results / "checkpoint").touch()
    used(workspace(steps=20))


def test_settings_can_change_while_there_are_no_results(workspace: MakeWorkspace) -> None:
    used(workspace(steps=10))
    used(workspace(steps=11))


def test_the_number_of_workers_can_change(workspace: MakeWorkspace) -> None:
    (used(workspace(replicas=1)).results / "checkpoint").touch()
    used(workspace(replicas=2))


def test_fresh_deletes_earlier_results_and_keeps_the_input(workspace: MakeWorkspace) -> None:
    first = used(workspace(steps=10))
    checkpoint, text = first.results / "checkpoint", first.volume("texts") / "poem"
    checkpoint.touch()
    text.touch()
    assert first.first_loss(9.0) == 9.0
    second = used(workspace(steps=11), fresh=True)
    assert (checkpoint.exists(), text.exists(), second.first_loss(None)) == (False, True, None)


def test_the_first_loss_is_that_of_the_first_run(workspace: MakeWorkspace) -> None:
    first = used(workspace())
    assert first.first_loss(None) is None
    assert first.first_loss(9.0) == 9.0
    assert used(workspace()).first_loss(4.0) == 9.0


def test_a_second_run_of_a_job_is_refused_while_the_first_runs(workspace: MakeWorkspace) -> None:
    with (
        workspace().open(fresh=False),
        pytest.raises(BadInput, match="another `llmtrain run` is training job gpt"),
        workspace().open(fresh=True),
    ):
        pass
    used(workspace())


def test_a_run_starts_from_what_another_job_of_the_directory_has_published(workspace: MakeWorkspace) -> None:
    base, successor = used(workspace(name="base")), used(workspace(name="next", **{"from": {"job": "base"}}))
    with pytest.raises(BadInput, match=r"^spec\.model\.from\.job: job base has published no model in "):
        successor.write_run_config(1)
    base.write_run_config(1)
    with pytest.raises(BadInput, match="run it to the end first"):
        successor.write_run_config(1)
    folder = base.results / "model"
    folder.mkdir()
    (folder / "config.json").write_text("{}")
    assert successor.write_run_config(1).model_directory == str(folder.resolve())


@pytest.mark.parametrize("field", ["from", "vectors"])
def test_a_run_does_not_start_from_its_own_model(workspace: MakeWorkspace, field: str) -> None:
    itself = used(workspace(name="base", **{field: {"job": "base"}}))
    with pytest.raises(BadInput, match=rf"^spec\.model\.{field}\.job: job base can't start from its own model"):
        itself.write_run_config(1)


def test_a_run_begins_with_word_vectors_that_another_job_of_the_directory_has_published(
    workspace: MakeWorkspace,
) -> None:
    base = used(workspace(name="base"))
    successor = used(workspace(name="next", vectors={"job": "base"}))
    with pytest.raises(BadInput, match=r"^spec\.model\.vectors\.job: job base has published no model in "):
        successor.write_run_config(1)
    base.write_run_config(1)
    folder = base.results / "model"
    folder.mkdir()
    (folder / "config.json").write_text("{}")
    run = successor.write_run_config(1)
    assert (run.vectors_path, run.model_directory) == (str(folder.resolve()), None)
