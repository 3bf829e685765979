"""The jobs of the trainer's integration tests, to be disturbed."""

from integration.trainer.conftest import data, dataset, job, undisturbed

__all__ = ["data", "dataset", "job", "undisturbed"]
