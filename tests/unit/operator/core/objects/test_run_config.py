"""The ConfigMap with the run config."""

import json

from llmtrain_operator.core.objects.run_config import run_config_map
from unit.operator.builders import job


def test_the_run_config_is_immutable_and_names_the_jobs_directories_and_coordinator() -> None:
    manifest = run_config_map(job())
    assert (manifest["kind"], manifest["metadata"]["name"], manifest["immutable"]) == (
        "ConfigMap",
        "j-run-uid-of-j",
        True,
    )
    config = json.loads(manifest["data"]["run.json"])
    assert (config["job"], config["uid"]) == ("j", "uid-of-j")
    assert config["dataDirectory"] == "/volumes/datasets"
    assert config["jobDirectory"] == "/volumes/checkpoints/j-uid-of-j"
    assert config["coordinator"].startswith("j-coordinator:")


def test_the_folder_of_a_model_is_below_the_mount_of_its_volume() -> None:
    assert "modelDirectory" not in json.loads(run_config_map(job())["data"]["run.json"])
    config = json.loads(run_config_map(job(model={"from": {"volume": "models", "path": "a/b"}}))["data"]["run.json"])
    assert config["modelDirectory"] == "/volumes/models/a/b"


def test_the_file_of_vectors_is_below_the_mount_of_its_volume() -> None:
    assert "vectorsPath" not in json.loads(run_config_map(job())["data"]["run.json"])
    vectors = {"name": "lstm", "vectors": {"volume": "models", "path": "a/b.bin"}}
    config = json.loads(run_config_map(job(model=vectors))["data"]["run.json"])
    assert config["vectorsPath"] == "/volumes/models/a/b.bin"
