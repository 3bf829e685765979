"""The ConfigMap with the run config. It is immutable, as are the fields of the spec that it holds."""

from llmtrain_api.names import (
    COORDINATOR_PORT,
    RUN_CONFIG_FILE,
    VOLUMES_DIRECTORY,
    coordinator_name,
    job_directory,
    run_config_name,
)
from llmtrain_api.run_config import run_config
from llmtrain_operator.core.manifest import Manifest
from llmtrain_operator.core.objects.metadata import child_metadata
from llmtrain_operator.core.snapshot import Job


def run_config_map(job: Job) -> Manifest:
    """Return the ConfigMap that every trainer container of `job` mounts."""
    model, vectors = job.spec.model.source, job.spec.model.vectors
    config = run_config(
        job.spec,
        job=job.name,
        namespace=job.namespace,
        uid=job.uid,
        data_directory=f"{VOLUMES_DIRECTORY}/{job.spec.data.source.volume}",
        model_directory=f"{VOLUMES_DIRECTORY}/{model.volume}/{model.path}" if model else None,
        vectors_path=f"{VOLUMES_DIRECTORY}/{vectors.volume}/{vectors.path}" if vectors else None,
        job_directory=f"{VOLUMES_DIRECTORY}/{job.spec.checkpoint.volume}/{job_directory(job.name, job.uid)}",
        coordinator=f"{coordinator_name(job.name)}:{COORDINATOR_PORT}",
    )
    return {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": child_metadata(job, run_config_name(job.name, job.uid), "run"),
        "immutable": True,
        "data": {RUN_CONFIG_FILE: config.model_dump_json(by_alias=True, exclude_none=True)},
    }
