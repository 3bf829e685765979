"""`llmtrain run` trains a classifier from a table, and `llmtrain predict` applies it."""

import csv
import json
import os
import subprocess
import sys

from support.local_run import JOB, Workspace

SPEC = {
    "model": {"name": "gru", "width": 16},
    "task": {"name": "classification"},
    "data": {
        "source": {"volume": "texts", "path": "reviews.csv"},
        "columns": {"text": "review", "label": "stars"},
        "tokenizer": {"vocabSize": 280},
        "heldOutPercent": 20,
    },
    "training": {
        "epochs": 12,
        "microbatches": 2,
        "microbatchSize": 16,
        "augment": {"share": "0.1", "synonyms": "synonyms.tsv"},
        "optimizer": {"learningRate": "2e-2"},
    },
    "checkpoint": {"volume": "results"},
}


def test_a_table_becomes_a_model_that_is_applied(workspace: Workspace) -> None:
    with (workspace.folder / ".llmtrain" / "volumes" / "texts" / "reviews.csv").open("w", newline="") as file:
        table = csv.writer(file)
        table.writerow(["id", "review", "stars"])
        table.writerows(
            [n, f"the {n}th was {('good', 'bad')[n % 2]},\nthey say", ("high", "low")[n % 2]] for n in range(200)
        )
    (workspace.folder / ".llmtrain" / "volumes" / "texts" / "synonyms.tsv").write_text(
        "say\tthink\nwas\tis\nsaw\tviewed\n"
    )
    (workspace.folder / "job.yaml").write_text(json.dumps({**JOB, "spec": SPEC}))
    run = workspace.run("--plain")
    assert run.end() == 0, run.text
    assert (
        "160 records to train on, 40 held out, in 2 classes; 2 of 3 words with synonyms occur in the records to train on; 12 epochs are 60 steps"
        in run.text
    )
    assert " steps=60 " in run.lines[-1]
    (held_out,) = (line for line in run.lines if line.startswith("held out  accuracy "))
    scores = dict(score.split() for score in held_out.removeprefix("held out  ").split(", "))
    assert float(scores["accuracy"]) > 0.9
    assert float(scores["majorityAccuracy"]) < 0.7
    assert f"accuracy={scores['accuracy']} " in run.lines[-1]

    lines = [{"review": "it was bad, I think", "id": 7}, {"review": "so good", "id": 8}]
    (workspace.folder / "in.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
    command = [sys.executable, "-m", "llmtrain_cli", "predict", "small", "in.jsonl", "out.jsonl"]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    done = subprocess.run(command, cwd=workspace.folder, env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    answers = [json.loads(line) for line in (workspace.folder / "out.jsonl").read_text().splitlines()]
    assert [(answer["id"], answer["prediction"]) for answer in answers] == [(7, "low"), (8, "high")]
    assert all(0.5 < answer["probability"] <= 1 for answer in answers)
