"""The run config: the settings that the operator or local mode passes to the trainer, one JSON file per job."""

from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field

from llmtrain_api.data import Data
from llmtrain_api.job import Checkpoint, Entrypoint, Evaluation, JobSpec, ModelSpec, Task, Training
from llmtrain_api.model import Model
from llmtrain_api.names import TOKEN_FILE
from llmtrain_api.quantity import parse_quantity


class RunConfig(Model):
    """Settings that are the same for all ranks of a job."""

    job: str
    """Name of the job."""
    namespace: str
    """Its namespace; "local" in local mode."""
    uid: str
    """Its UID; the coordinator rejects requests with another."""
    entrypoint: Entrypoint | None = None
    """The user's program, if the ranks run one."""
    model: ModelSpec
    task: Task
    data: Data
    training: Training
    checkpoint: Checkpoint
    evaluation: Evaluation
    data_directory: str
    """Mount point of the data volume. Datasets are in `.llmtrain/prepared/<id>` below it."""
    model_directory: str | None = None
    """The folder of `spec.model.from`; None without it."""
    vectors_path: str | None = None
    """The file or folder of `spec.model.vectors`; None without it."""
    job_directory: str
    """The job's directory on the checkpoint volume, with checkpoints/ and model/."""
    coordinator: str
    """Address of the coordinator, such as "gpt-coordinator:8470"."""
    token_file: str = TOKEN_FILE
    """File with the token that every request to the coordinator presents."""
    device: Literal["cpu", "cuda"]
    ranks_per_worker: Annotated[int, Field(ge=1)]
    threads_per_rank: Annotated[int, Field(ge=1)]
    """Intra-op threads of one rank. Results of kernels depend on their number."""
    hang_seconds: Annotated[int, Field(ge=1)] = 300
    """Seconds without progress after which a rank is killed."""
    silent_seconds: Annotated[int, Field(ge=1)] | None = None
    """Seconds without output of a program in mode Torchrun after which it is killed; None for never."""
    grace_period_seconds: Annotated[int, Field(ge=1)] = 60
    """Seconds between SIGTERM and SIGKILL of a worker."""

    @classmethod
    def read(cls, path: Path) -> "RunConfig":
        """Return the run config in the JSON file `path`; fields of a newer operator are ignored."""
        return cls.model_validate_json(path.read_text(), extra="ignore")


def run_config(
    spec: JobSpec,
    *,
    job: str,
    namespace: str,
    uid: str,
    data_directory: str,
    job_directory: str,
    coordinator: str,
    model_directory: str | None = None,
    vectors_path: str | None = None,
    token_file: str = TOKEN_FILE,
) -> RunConfig:
    """Return the run config of a job: the fields of its spec that the trainer uses, and the directories."""
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
        model_directory=model_directory,
        vectors_path=vectors_path,
        job_directory=job_directory,
        coordinator=coordinator,
        token_file=token_file,
        device="cuda" if spec.workers.gpus else "cpu",
        ranks_per_worker=spec.workers.ranks,
        threads_per_rank=max(1, int(parse_quantity(spec.workers.resources.cpu)) // spec.workers.ranks),
        hang_seconds=spec.recovery.hang_seconds,
        silent_seconds=spec.recovery.silent_seconds,
        grace_period_seconds=spec.recovery.grace_period_seconds,
    )
