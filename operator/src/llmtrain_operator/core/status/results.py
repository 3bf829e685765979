"""What finished pods produced: the dataset, the model, and whether the training is completed."""

from typing import Any

from llmtrain_api.job import JobSpec
from llmtrain_api.job_results import DatasetStatus, ModelStatus
from llmtrain_api.job_status import JobStatus
from llmtrain_api.termination import DatasetInfo, ModelInfo
from llmtrain_operator.core.pod_view import PodView, pods_with_role
from llmtrain_operator.core.policies.failure_policy import is_lost
from llmtrain_operator.core.reported import reported_dataset, reported_model
from llmtrain_operator.core.status.progress import format_figure, format_loss


def with_results(status: JobStatus, spec: JobSpec, pods: tuple[PodView, ...], lost_nodes: frozenset[str]) -> JobStatus:
    """Return `status` with what the pods that succeeded produced."""
    update: dict[str, Any] = {}
    for pod in pods:
        outcome = pod.outcome if pod.phase == "Succeeded" else None
        if outcome is not None and outcome.dataset is not None:
            update["dataset"] = dataset_status(reported_dataset(outcome.dataset))
        if outcome is not None and outcome.model is not None:
            update["model"] = model_status(reported_model(outcome.model), spec.checkpoint.volume)
    if training_completed(spec, pods_with_role(pods, "worker"), lost_nodes):
        update["training_completed"] = True
    return status.model_copy(update=update) if update else status


def dataset_status(dataset: DatasetInfo) -> DatasetStatus:
    """Return the status of a prepared dataset."""
    return DatasetStatus(
        id=dataset.id,
        tokens=dataset.tokens,
        held_out_tokens=dataset.held_out_tokens,
        vocab_size=dataset.vocab_size,
        documents=dataset.documents,
        duplicates=dataset.duplicates,
        replaced_bytes=dataset.replaced_bytes,
        left_out=dataset.left_out,
        first_finding=dataset.first_finding,
    )


def model_status(model: ModelInfo, volume: str) -> ModelStatus:
    """Return the status of a model that was published on `volume`."""
    return ModelStatus(
        volume=volume,
        path=model.path,
        parameters=model.parameters,
        sha256=model.sha256,
        loss=format_loss(model.loss),
        perplexity=format_figure(model.perplexity, 1),
        unigram_perplexity=format_figure(model.unigram_perplexity, 1),
        sample=model.sample,
    )


def training_completed(spec: JobSpec, workers: tuple[PodView, ...], lost_nodes: frozenset[str]) -> bool:
    """Return whether the training is completed: a worker succeeds only once the last checkpoint is written.

    Workers that still run are waited for, as they are about to finish too; a replacement that has not started is not.
    A user's program must complete in every worker, because only the program knows what it has left to do.
    """
    succeeded = {pod.worker for pod in workers if pod.phase == "Succeeded"}
    if spec.entrypoint is not None:
        return succeeded >= set(range(spec.workers.replicas))
    running = any(pod.phase == "Running" and not is_lost(pod, lost_nodes) for pod in workers)
    return bool(succeeded) and not running
