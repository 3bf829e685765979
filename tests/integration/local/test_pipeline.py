"""`llmtrain run` learns vectors of NLTK's words, and a classifier begins with them; patterns of one's own are masked in both."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from nltk.tokenize import NLTKWordTokenizer

from support.local_run import JOB, Workspace

DATA = {
    "source": {"volume": "texts", "path": "reviews.jsonl"},
    "columns": {"text": "review"},
    "tokenizer": {"kind": "nltk", "minCount": 1},
    "personalData": "Mask",
    "personalPatterns": ["CUSTOMER=KD-[0-9]{3}"],
    "heldOutPercent": 20,
}
TRAINING = {"microbatches": 2, "microbatchSize": 8, "optimizer": {"learningRate": "2e-2"}}
VECTORS = {
    "model": {"name": "skipgram", "width": 16},
    "task": {"name": "word-vectors"},
    "data": DATA,
    "training": {**TRAINING, "steps": 20},
    "checkpoint": {"volume": "results"},
}
CLASSIFIER = {
    "model": {"name": "gru", "width": 16, "vectors": {"job": "words"}},
    "task": {"name": "classification"},
    "data": {**DATA, "columns": {"text": "review", "label": "stars"}},
    "training": {**TRAINING, "epochs": 10},
    "checkpoint": {"volume": "results"},
}


def write_job(folder: Path, name: str, spec: dict[str, Any]) -> None:
    (folder / "job.yaml").write_text(json.dumps({**JOB, "metadata": {"name": name}, "spec": spec}))


def file_of(folder: Path, name: str) -> Path:
    """Return the only file with this name."""
    (found,) = folder.rglob(name)
    return found


@pytest.mark.timeout(240)
def test_a_classifier_begins_with_vectors_of_words_of_nltk_that_another_job_published(workspace: Workspace) -> None:
    texts = [
        f"the {n}th film wasn't {('good', 'bad')[n % 2]}, KD-{n:03} didn't say more. They left {n} times."
        for n in range(160)
    ]
    lines = [{"review": text, "stars": ("high", "low")[n % 2]} for n, text in enumerate(texts)]
    volume = workspace.folder / ".llmtrain" / "volumes" / "texts"
    (volume / "reviews.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))

    write_job(workspace.folder, "reader", CLASSIFIER)
    too_early = workspace.run("--plain")
    assert too_early.end() != 0
    assert "spec.model.vectors.job: job words has published no model in" in too_early.text

    write_job(workspace.folder, "words", VECTORS)
    words = workspace.run("--plain")
    assert words.end() == 0, words.text
    report = json.loads(file_of(volume / ".llmtrain", "report.json").read_text())
    assert report["masked"] == {"customer": 160}
    known = {line.split()[0] for line in file_of(workspace.folder, "vectors.txt").read_text().splitlines()[1:]}
    split = NLTKWordTokenizer().tokenize(texts[0].replace("KD-000", "[CUSTOMER]"))
    assert {word.lower() for word in split if not word[0].isdigit()} <= known
    assert {"n't", "[", "customer", "more."} <= known

    write_job(workspace.folder, "reader", CLASSIFIER)
    reader = workspace.run("--plain")
    assert reader.end() == 0, reader.text
    assert "100.0% of all words to train on have a vector" in reader.text
    (held_out,) = (line for line in reader.lines if line.startswith("held out  accuracy "))
    assert float(held_out.split()[3].rstrip(",")) > 0.9

    said = "the film wasn't {}, [CUSTOMER] didn't say more. They left 5 times."
    asked = [{"review": said.format("bad"), "id": 7}, {"review": said.format("good"), "id": 8}]
    (workspace.folder / "in.jsonl").write_text("".join(json.dumps(line) + "\n" for line in asked))
    command = [sys.executable, "-m", "llmtrain_cli", "predict", "reader", "in.jsonl", "out.jsonl"]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    done = subprocess.run(command, cwd=workspace.folder, env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    answers = [json.loads(line) for line in (workspace.folder / "out.jsonl").read_text().splitlines()]
    assert [(answer["id"], answer["prediction"]) for answer in answers] == [(7, "low"), (8, "high")]


def test_vectors_of_a_job_with_another_task_are_refused_with_the_field(workspace: Workspace) -> None:
    results = workspace.folder / ".llmtrain" / "volumes" / "results" / "words-1" / "model"
    results.mkdir(parents=True)
    (results / "config.json").write_text('{"model_type": "llmtrain-gru"}')
    state = workspace.folder / ".llmtrain" / "jobs" / "words"
    state.mkdir(parents=True)
    (state / "run.json").write_text(json.dumps({"jobDirectory": str(results.parent)}))
    lines = [{"review": f"a {n} b {n % 2}", "stars": n % 2} for n in range(40)]
    volume = workspace.folder / ".llmtrain" / "volumes" / "texts"
    (volume / "reviews.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
    write_job(workspace.folder, "reader", CLASSIFIER)
    run = workspace.run("--plain")
    assert run.end() != 0
    assert "spec.model.vectors: " in run.text
    assert "is a folder that no job with task word-vectors published; name a file, such a folder" in run.text
