"""`llmtrain validate`: checks a job file without a cluster and without training."""

from pathlib import Path

from llmtrain_cli.job_file import read_jobs


def validate(path: Path) -> None:
    """Print what each job would run. BadInput with one line per error if one is not valid."""
    jobs, others = read_jobs(path)
    for job in jobs:
        ranks = job.spec.workers.replicas * job.spec.workers.ranks
        training = job.spec.training
        length = f"{training.steps} steps" if training.steps is not None else f"{training.epochs} epochs"
        print(f"{path}: ok: job {job.name} trains for {length} on {ranks} ranks")
    for other in others:
        print(f"{path}: not checked: {other} is no LLMTrainingJob")
