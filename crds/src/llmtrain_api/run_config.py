"""The run config: what the operator, or local mode, tells the trainer. One JSON file a job."""

from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field

from llmtrain_api.job import Checkpoint, Data, Entrypoint, Evaluation, JobSpec, ModelSpec, Task, Training
from llmtrain_api.model import Model
from llmtrain_api.quantity import parse_quantity


class RunConfig(Model):
    """Everything a trainer process needs to know that is the same for all ranks of a job."""

    job: str
    """Name of the job."""
    namespace: str
    """Its namespace; "local" in local mode."""
    uid: str
    """Its uid: the coordinator turns away whoever comes with another."""
    entrypoint: Entrypoint | None = None
    """The user's own program, if that is what the ranks run."""
    model: ModelSpec
    task: Task
    data: Data
    training: Training
    checkpoint: Checkpoint
    evaluation: Evaluation
    data_directory: str
    """Where the data volume is mounted. Prepared datasets are in `.llmtrain/prepared/<id>` below it."""
    job_directory: str
    """The job's own folder on the checkpoint volume: checkpoints/ and model/ are below it."""
    coordinator: str
    """Address of the coordinator, such as "gpt-coordinator:8470"."""
    device: Literal["cpu", "cuda"]
    ranks_per_worker: Annotated[int, Field(ge=1)]
    threads_per_rank: Annotated[int, Field(ge=1)]
    """Intra-op threads of one rank: kernels give other bits at another number."""
    hang_seconds: Annotated[int, Field(ge=1)] = 300
    """A rank that doesn't get on for so long is killed."""

    @classmethod
    def read(cls, path: Path) -> "RunConfig":
        """Return the run config in the JSON file `path`."""
        return cls.model_validate_json(path.read_text())


def run_config(
    spec: JobSpec,
    *,
    job: str,
    namespace: str,
    uid: str,
    data_directory: str,
    job_directory: str,
    coordinator: str,
) -> RunConfig:
    """Return the run config of a job: the parts of its spec that the trainer acts on, and where things are."""
    return RunConfig(
        job=job,
        namespace=namespace,
        uid=uid,
        entrypoint=spec.entrypoint,
        model=spec.model,
        task=spec.task,
        data=spec.data,
        training=spec.training,
        checkpoint=spec.checkpoint,
        evaluation=spec.evaluation,
        data_directory=data_directory,
        job_directory=job_directory,
        coordinator=coordinator,
        device="cuda" if spec.workers.gpus else "cpu",
        ranks_per_worker=spec.workers.ranks,
        threads_per_rank=max(1, int(parse_quantity(spec.workers.resources.cpu)) // spec.workers.ranks),
        hang_seconds=spec.recovery.hang_seconds,
    )
