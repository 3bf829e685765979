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
