"""How many steps the epochs of a job are: the one place that knows, once the dataset is prepared."""

from llmtrain_api.job import MAX_STEPS, Training
from llmtrain_api.run_config import RunConfig
from llmtrain_api.training_rules import DEFAULT_WARMUP_STEPS
from llmtrain_trainer.errors import BadInput


def with_steps(run: RunConfig, dataset_id: str) -> RunConfig:
    """Return the run config with the number of steps, which follows from a prepared dataset if the job has epochs: the last
    one is filled up.

    BadInput if the dataset is not there, or the epochs don't fit the other settings.
    """
    if run.training.epochs is None:
        return run
    from llmtrain_trainer.data.dataset import open_dataset_file
    from llmtrain_trainer.stages.shapes import sample_shape  # a job with steps does not need it to start training

    directory, file = open_dataset_file(run.data_directory, dataset_id)
    samples = run.training.epochs * sample_shape(run).samples_per_epoch(file, directory)
    steps = -(-samples // (run.training.microbatches * run.training.microbatch_size))
    _require_steps(run.training, steps)
    return run.model_copy(update={"training": run.training.model_copy(update={"steps": steps})})


def _require_steps(training: Training, steps: int) -> None:
    """BadInput if so many steps are refused where a job sets `steps` itself."""
    if steps > MAX_STEPS:
        raise BadInput(
            f"spec.training.epochs: {training.epochs} epochs are {steps} steps, more than {MAX_STEPS}; lower epochs"
        )
    if training.warmup_steps >= steps and training.warmup_steps != DEFAULT_WARMUP_STEPS:
        raise BadInput(
            f"spec.training.warmupSteps: {training.epochs} epochs are {steps} steps, so the learning rate would not reach its "
            f"peak in {training.warmup_steps}; lower warmupSteps or raise epochs"
        )
