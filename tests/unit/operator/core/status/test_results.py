"""What finished pods produced."""

import math

import pytest

from llmtrain_api.job_results import VectorsStatus
from llmtrain_api.job_status import JobStatus
from llmtrain_api.termination import DatasetInfo, ModelInfo, VectorCoverage
from llmtrain_operator.core.job import plan_job
from llmtrain_operator.core.pod_view import PodView
from llmtrain_operator.core.status.results import missing_class_events, training_completed, with_results
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
        "bad_records": {"noText": 1},
        "samples": 40,
        "held_out_samples": 10,
        "classes": 3,
        "shortened": 4,
        "missing_class": "no record that is held out has the label 'a'",
        "first_finding": "'a', byte 3: bad",
    }
    reported = DATASET_INFO.model_copy(update=findings)
    dataset = results(succeeded_pod("j-prepare", "prepare", dataset=reported)).dataset
    assert {name: getattr(dataset, name) for name in findings} == findings


@pytest.mark.parametrize(("missing_class", "events"), [("", 0), ("no record to train on has the label 'a'", 1)])
def test_a_dataset_that_lacks_a_class_has_one_event(missing_class: str, events: int) -> None:
    dataset = DATASET_INFO.model_copy(update={"missing_class": missing_class})
    status = results(succeeded_pod("j-prepare", "prepare", dataset=dataset))
    found = missing_class_events(JobStatus(), status)
    assert [(event.type, event.reason, event.message.partition(";")[0]) for event in found] == [
        ("Warning", "ClassMissing", missing_class)
    ] * events
    assert missing_class_events(status, status) == ()


def test_the_publish_pod_produces_the_model() -> None:
    model = results(succeeded_pod("j-publish", "publish", model=MODEL_INFO)).model
    assert (model.volume, model.path, model.parameters) == ("checkpoints", "j/model", 9)
    assert (model.loss, model.perplexity, model.unigram_perplexity) == ("3.0000", "20.1", "665.1")


def test_the_status_has_the_scores_of_a_task_without_a_perplexity() -> None:
    scores = {"accuracy": 0.83333, "f1": math.nan}
    info = ModelInfo(loss=0.5, metrics=scores, parameters=9, path="j/model")
    model = results(succeeded_pod("j-publish", "publish", model=info)).model
    assert model.metrics == {"accuracy": "0.8333", "f1": "nan"}
    assert (model.perplexity, model.unigram_perplexity) == ("", "")


def test_the_status_has_how_much_of_the_text_has_a_vector() -> None:
    assert results(succeeded_pod("j-publish", "publish", model=MODEL_INFO)).model.vectors is None
    info = MODEL_INFO.model_copy(update={"vectors": VectorCoverage(words=0.81274, tokens=1)})
    vectors = results(succeeded_pod("j-publish", "publish", model=info)).model.vectors
    assert vectors == VectorsStatus(words="0.8127", tokens="1.0000")


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
