"""What finished pods produced."""

import math

import pytest

from llmtrain_api.job_status import JobStatus
from llmtrain_api.termination import DatasetInfo, ModelInfo
from llmtrain_operator.core.job import plan_job
from llmtrain_operator.core.pod_view import PodView
from llmtrain_operator.core.status.results import training_completed, with_results
from unit.operator.builders import DATASET, failed_pod, job, pod, snapshot, started, succeeded_pod

DATASET_INFO = DatasetInfo(id="d1", tokens=1000, held_out_tokens=50, vocab_size=4096, unigram_loss=6.5)
MODEL_INFO = ModelInfo(loss=3.0, perplexity=20.1, unigram_perplexity=665.1, parameters=9, path="j/model")
NONE_LOST = frozenset[str]()
DONE = succeeded_pod("j-worker-0")
PROGRAM = {"entrypoint": {"script": "train.py"}, "data": {"source": {"volume": "datasets"}}}


def results(*pods: PodView) -> JobStatus:
    return with_results(JobStatus(), job().spec, pods, NONE_LOST)


def test_the_prepare_pod_produces_the_dataset() -> None:
    dataset = results(succeeded_pod("j-prepare", "prepare", dataset=DATASET_INFO)).dataset
    assert (dataset.id, dataset.tokens, dataset.held_out_tokens, dataset.vocab_size) == ("d1", 1000, 50, 4096)


def test_the_status_has_what_was_replaced_or_left_out_of_the_text() -> None:
    findings = {
        "documents": 7,
        "duplicates": 2,
        "replaced_bytes": 3,
        "left_out": 1,
        "first_finding": "'a', byte 3: bad",
    }
    reported = DATASET_INFO.model_copy(update=findings)
    dataset = results(succeeded_pod("j-prepare", "prepare", dataset=reported)).dataset
    assert {name: getattr(dataset, name) for name in findings} == findings


def test_the_publish_pod_produces_the_model() -> None:
    model = results(succeeded_pod("j-publish", "publish", model=MODEL_INFO)).model
    assert (model.volume, model.path, model.parameters) == ("checkpoints", "j/model", 9)
    assert (model.loss, model.perplexity, model.unigram_perplexity) == ("3.0000", "20.1", "665.1")


@pytest.mark.parametrize(
    ("perplexity", "expected"),
    [(math.exp(100), "2.68812e+43"), (math.inf, "inf"), (math.nan, "nan"), (999_999.95, "999999.9")],
)
def test_the_perplexity_of_a_diverged_model_fits_the_status(perplexity: float, expected: str) -> None:
    model = MODEL_INFO.model_copy(update={"loss": 100.0, "perplexity": perplexity})
    assert results(succeeded_pod("j-publish", "publish", model=model)).model.perplexity == expected


def test_pods_that_have_not_succeeded_produce_nothing() -> None:
    assert results(pod("j-worker-0"), failed_pod("j-prepare", 1)) == JobStatus()


@pytest.mark.parametrize(
    ("workers", "lost_nodes", "expected"),
    [
        pytest.param((DONE, succeeded_pod("j-worker-1")), NONE_LOST, True, id="all workers are done"),
        pytest.param((DONE, pod("j-worker-1")), NONE_LOST, False, id="a worker that still runs is waited for"),
        pytest.param(
            (DONE, pod("j-worker-1", phase="Pending")), NONE_LOST, True, id="a late replacement is not waited for"
        ),
        pytest.param(
            (DONE, pod("j-worker-1", node="node-2")), frozenset({"node-2"}), True, id="nor is a worker on a lost node"
        ),
        pytest.param((pod("j-worker-0", phase="Pending"),), NONE_LOST, False, id="no worker is done"),
    ],
)
def test_the_training_is_completed(workers: tuple[PodView, ...], lost_nodes: frozenset[str], expected: bool) -> None:
    assert training_completed(job().spec, workers, lost_nodes) is expected


def test_a_users_program_must_complete_in_every_worker() -> None:
    spec = job(**PROGRAM).spec
    assert not training_completed(spec, (DONE, pod("j-worker-1", phase="Pending")), NONE_LOST)
    assert training_completed(spec, (DONE, succeeded_pod("j-worker-1")), NONE_LOST)


def test_a_replacement_that_comes_too_late_is_deleted() -> None:
    late = pod("j-worker-1", phase="Pending")
    plan = plan_job(snapshot(job(started(dataset=DATASET)), pods=(DONE, late)))
    assert plan.status.training_completed
    assert [reference.name for reference in plan.delete] == ["j-worker-1"]
