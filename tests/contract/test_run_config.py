"""What the operator writes as the run config is what the trainer reads."""

import json
from pathlib import Path

import pytest
import yaml
from pydantic import ValidationError

from contract.example_job import EXAMPLE, OWN, job_with
from llmtrain_api.job import JobSpec
from llmtrain_api.run_config import RunConfig, run_config


def made_from(spec: JobSpec) -> RunConfig:
    return run_config(
        spec,
        job="gpt-stdlib",
        namespace="demo",
        uid="0d9d8f1e-0000-4000-8000-000000000000",
        data_directory="/volumes/datasets",
        job_directory="/volumes/checkpoints/gpt-stdlib-0d9d8f1e",
        coordinator="gpt-stdlib-coordinator:8470",
    )


def test_round_trip(tmp_path: Path) -> None:
    config = made_from(JobSpec.model_validate(yaml.safe_load(EXAMPLE.read_text())["spec"]))
    file = tmp_path / "run.json"
    file.write_text(json.dumps(config.document()))
    assert RunConfig.read(file) == config


def test_the_fields_of_a_newer_operator_are_ignored(tmp_path: Path) -> None:
    config = made_from(JobSpec.model_validate(yaml.safe_load(EXAMPLE.read_text())["spec"]))
    file = tmp_path / "run.json"
    document = config.document()
    file.write_text(json.dumps({**document, "color": "red", "training": {**document["training"], "color": "red"}}))
    assert RunConfig.read(file) == config


@pytest.mark.parametrize(
    ("gpus", "cpu", "device", "ranks", "threads"),
    [
        (0, "1", "cpu", 1, 1),
        (0, "4", "cpu", 1, 4),
        (0, "500m", "cpu", 1, 1),
        (0, "2500m", "cpu", 1, 2),
        (2, "8", "cuda", 2, 4),
        (8, "4", "cuda", 8, 1),
    ],
)
def test_cores_are_shared_out_among_ranks(gpus: int, cpu: str, device: str, ranks: int, threads: int) -> None:
    job = job_with({"spec.workers.gpus": gpus, "spec.workers.resources.cpu": cpu})
    config = made_from(JobSpec.model_validate(job["spec"]))
    assert (config.device, config.ranks_per_worker, config.threads_per_rank) == (device, ranks, threads)


def test_settings_outside_of_the_training_reach_the_ranks() -> None:
    config = made_from(JobSpec.model_validate(job_with({"spec.recovery": {"hangSeconds": 60}})["spec"]))
    assert (config.hang_seconds, config.entrypoint) == (60, None)
    config = made_from(JobSpec.model_validate(job_with(OWN)["spec"]))
    assert config.entrypoint is not None
    assert (config.entrypoint.script, config.entrypoint.mode) == ("train.py", "Elastic")


@pytest.mark.parametrize(
    ("change", "field"),
    [
        pytest.param({"threadsPerRank": 0}, "threadsPerRank", id="no thread"),
        pytest.param({"ranksPerWorker": 0}, "ranksPerWorker", id="no rank"),
        pytest.param({"device": "tpu"}, "device", id="an unknown device"),
        pytest.param({"coordinator": None}, "coordinator", id="no coordinator"),
    ],
)
def test_a_run_config_that_cannot_work_is_refused_with_its_field(
    tmp_path: Path, change: dict[str, object], field: str
) -> None:
    config = made_from(JobSpec.model_validate(job_with({})["spec"]))
    file = tmp_path / "run.json"
    file.write_text(json.dumps({**config.document(), **change}))
    with pytest.raises(ValidationError) as error:
        RunConfig.read(file)
    assert [found["loc"] for found in error.value.errors()] == [(field,)]
