"""What finished pods produced: the dataset, the model, and whether the training is completed."""

from typing import Any

from llmtrain_api.conditions import Reason
from llmtrain_api.job import JobSpec
from llmtrain_api.job_results import DatasetStatus, ModelStatus, VectorsStatus
from llmtrain_api.job_status import JobStatus
from llmtrain_api.termination import DatasetInfo, ModelInfo, VectorCoverage
from llmtrain_operator.core.plan import Event
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
        bad_records=dataset.bad_records,
        samples=dataset.samples,
        held_out_samples=dataset.held_out_samples,
        classes=dataset.classes,
        shortened=dataset.shortened,
        missing_class=dataset.missing_class,
        first_finding=dataset.first_finding,
    )


def missing_class_events(before: JobStatus, status: JobStatus) -> tuple[Event, ...]:
    """Return an event if the dataset that was prepared lacks a class where the model is trained or judged."""
    if before.dataset is not None or status.dataset is None or not status.dataset.missing_class:
        return ()
    message = f"{status.dataset.missing_class}; its scores say nothing: add records with it, or hold out others"
    return (Event(type="Warning", reason=Reason.CLASS_MISSING, message=message),)


def model_status(model: ModelInfo, volume: str) -> ModelStatus:
    """Return the status of a model that was published on `volume`."""
    return ModelStatus(
        volume=volume,
        path=model.path,
        parameters=model.parameters,
        step=model.step,
        ending=model.ending,
        sha256=model.sha256,
        loss=format_loss(model.loss),
        perplexity="" if model.perplexity is None else format_figure(model.perplexity, 1),
        unigram_perplexity="" if model.unigram_perplexity is None else format_figure(model.unigram_perplexity, 1),
        metrics={name: format_figure(value, 4) for name, value in model.metrics.items()},
        vectors=vectors_status(model.vectors),
        sample=model.sample,
    )


def vectors_status(coverage: VectorCoverage | None) -> VectorsStatus | None:
    """Return the status of the vectors that a model began with; None if it began without."""
    if coverage is None:
        return None
    return VectorsStatus(words=format_figure(coverage.words, 4), tokens=format_figure(coverage.tokens, 4))


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
