"""Tasks on records: what a job learns from files on a claim is in its status, and is the same after a worker is killed."""

import json
from collections.abc import Iterator
from typing import Any

import pytest

from e2e.jobs import WORKERS, job
from e2e.kube import Kube, condition
from e2e.nodes import kill
from e2e.volumes import claim_with, write_files

STEPS = 200
TAGS = {"dull": "B-LOW", "bright": "B-HIGH"}


def review(number: int) -> dict[str, Any]:
    """Return a text in which one word decides about everything else."""
    word, stars = (("dull", "one"), ("bright", "five"))[number % 2]
    filler = ("the", "film", "was", "long", "and", "rather", "slow")
    words = [*(filler[number * place % 7] for place in range(1, 3 + number % 9)), word, str(number // 2)]
    return {
        "review": " ".join(words),
        "stars": stars,
        "rating": -2.5 + 5 * (number % 2),
        "tags": " ".join(TAGS.get(each, "O") for each in words),
        "user": f"user {number % 30}",
        "item": f"item {(number // 30 + number % 30) % 12}",
        "time": number,
    }


@pytest.fixture
def records(kube: Kube) -> Iterator[str]:
    """A claim with reviews.jsonl."""
    lines = "".join(json.dumps(review(number)) + "\n" for number in range(300))
    with claim_with(kube, "reviews"):
        write_files(kube, "reviews", {"reviews.jsonl": lines})
        yield "reviews"


def task_job(
    name: str, claim: str, task: str, model: dict[str, Any], data: dict[str, Any], *, replicas: int = 1
) -> dict[str, Any]:
    """Return a job that learns a task from the records of a claim."""
    return job(
        name,
        workers={**WORKERS, "replicas": replicas},
        model=model,
        task={"name": task},
        data={"source": {"volume": claim, "path": "reviews.jsonl"}, **data},
        training={"steps": STEPS, "microbatches": 4, "microbatchSize": 8, "optimizer": {"learningRate": "3e-3"}},
        evaluation={"everySteps": 50},
    )


def texts(label: str) -> dict[str, Any]:
    """Return how the data of a task on texts are read."""
    return {"columns": {"text": "review", "label": label}, "tokenizer": {"vocabSize": 300}, "heldOutPercent": 20}


def classifier(name: str, claim: str, replicas: int) -> dict[str, Any]:
    """Return a job that classifies the texts of the claim."""
    model = {"name": "encoder", "layers": 1, "width": 32, "heads": 2}
    manifest = task_job(name, claim, "classification", model, texts("stars"), replicas=replicas)
    manifest["spec"]["training"]["steps"] = 3 * STEPS  # so that a worker is killed before the last
    return manifest


def test_a_classifier_is_the_same_after_a_worker_is_killed(kube: Kube, new_job: str, records: str) -> None:
    kube.apply(classifier(f"{new_job}-alone", records, 1))
    try:
        undisturbed = kube.wait_for_stage(f"{new_job}-alone", "Succeeded", 300)["model"]
    finally:
        kube.delete_job(f"{new_job}-alone")
    kube.apply(classifier(new_job, records, 3))
    kube.wait_for_step(new_job, 10)
    kill(kube, kube.get("pod", f"{new_job}-worker-1"))
    status = kube.wait_for_stage(new_job, "Succeeded", 300)
    assert status["recoveries"]["count"] == 1
    assert {**status["model"], "path": ""} == {**undisturbed, "path": ""}
    assert float(status["model"]["metrics"]["accuracy"]) > 0.95
    assert status["dataset"]["samples"] + status["dataset"]["heldOutSamples"] == 300


def test_numbers_tags_and_items_are_learned(kube: Kube, new_job: str, records: str) -> None:
    decoder = {"layers": 1, "width": 32, "heads": 2, "contextLength": 16}
    jobs = {
        "mse": task_job(f"{new_job}-numbers", records, "regression", {"name": "gru", "width": 16}, texts("rating")),
        "entityF1": task_job(f"{new_job}-tags", records, "tagging", {"name": "lstm", "width": 16}, texts("tags")),
        "hitRate": task_job(f"{new_job}-items", records, "recommendation", decoder, {}),
    }
    kube.apply(*jobs.values())
    names = {score: manifest["metadata"]["name"] for score, manifest in jobs.items()}
    try:
        metrics = {
            score: kube.wait_for_stage(name, "Succeeded", 300)["model"]["metrics"] for score, name in names.items()
        }
    finally:
        for name in names.values():
            kube.delete_job(name)
    scores = {score: float(metrics[score][score]) for score in names}
    assert scores["mse"] < 1 < float(metrics["mse"]["meanMse"])
    assert scores["entityF1"] > 0.95
    assert scores["hitRate"] > 0.9


def test_a_job_waits_for_another_one_and_starts_from_its_model(kube: Kube, new_job: str, records: str) -> None:
    bert = {"name": "bert", "layers": 1, "width": 16, "heads": 2}
    base = task_job(f"{new_job}-base", records, "classification", bert, {**texts("stars"), "maxTokens": 32})
    data = {"columns": {"text": "review", "label": "tags"}, "heldOutPercent": 20, "maxTokens": 32}
    successor = task_job(new_job, records, "tagging", {"from": {"job": f"{new_job}-base"}}, data)
    status = run_after(kube, base, successor)
    assert status["model"]["path"] != status["modelSource"]["path"]


def test_a_job_waits_for_word_vectors_and_begins_with_them(kube: Kube, new_job: str, records: str) -> None:
    data = {**texts("stars"), "maxTokens": 32, "tokenizer": {"kind": "words", "minCount": 1}}
    lstm = {"name": "lstm", "layers": 1, "width": 16, "vectors": {"job": f"{new_job}-words"}}
    reader = task_job(new_job, records, "classification", lstm, data)
    words = task_job(
        f"{new_job}-words",
        records,
        "word-vectors",
        {"name": "skipgram", "width": 16},
        {"columns": {"text": "review"}, "tokenizer": {"kind": "words", "minCount": 1}, "heldOutPercent": 50},
    )
    status = run_after(kube, words, reader)
    assert float(status["model"]["vectors"]["words"]) > 0


def run_after(kube: Kube, other: dict[str, Any], waiting: dict[str, Any]) -> dict[str, Any]:
    """Return the status of a job that waits for another one, starts from what that published, and does not need it any more."""
    name, others = waiting["metadata"]["name"], other["metadata"]["name"]
    for manifest in (other, waiting):
        manifest["spec"]["training"]["steps"] = 20
    kube.apply(waiting)
    kube.wait("it waits", lambda: _waits_because(kube, name) == "JobNotFound")
    kube.apply(other)
    try:
        kube.wait("it waits for the other one", lambda: _waits_because(kube, name) == "Waiting")
        model = kube.wait_for_stage(others, "Succeeded", 300)["model"]
        kube.wait("it has started", lambda: "startTime" in kube.status(name))
    finally:
        kube.delete_job(others)
    status = kube.wait_for_stage(name, "Succeeded", 300)
    assert status["modelSource"] == {"volume": "checkpoints", "path": model["path"]}
    return status


def _waits_because(kube: Kube, job: str) -> str:
    """Return the reason why a job is not scheduled."""
    return str(condition(kube.status(job), "Scheduled").get("reason"))
