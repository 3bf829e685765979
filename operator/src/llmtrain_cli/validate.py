"""`llmtrain validate`: checks a job file without a cluster and without training."""

from pathlib import Path

from llmtrain_cli.job_file import read_job


def validate(path: Path) -> None:
    """Print what the job would run. BadInput with one line per error if the file is not valid."""
    job = read_job(path)
    ranks = job.spec.workers.replicas * job.spec.workers.ranks
    print(f"{path}: ok: job {job.name} trains for {job.spec.training.steps} steps on {ranks} ranks")
