"""`llmtrain validate`: checks a job file without a cluster and without training."""

from pathlib import Path

from llmtrain_cli.job_file import read_jobs


def validate(path: Path) -> None:
    """Print what each job would run. BadInput with one line per error if one is not valid."""
    jobs, others = read_jobs(path)
    for job in jobs:
        ranks = job.spec.workers.replicas * job.spec.workers.ranks
        print(f"{path}: ok: job {job.name} trains for {job.spec.training.steps} steps on {ranks} ranks")
    for other in others:
        print(f"{path}: not checked: {other} is no LLMTrainingJob")
