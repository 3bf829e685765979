"""`llmtrain validate`: says whether a job file is valid, before anything is spent on it."""

from pathlib import Path

from llmtrain_cli.job_file import read_job


def validate(path: Path) -> None:
    """Say ok. BadInput with one sentence a fault if the file isn't valid."""
    job = read_job(path)
    ranks = job.spec.workers.replicas * job.spec.workers.ranks
    print(f"{path}: ok: job {job.name} trains for {job.spec.training.steps} steps on {ranks} ranks")
