"""Small jobs that learn word vectors or begin with them, and the training state before the first step."""

from collections.abc import Sequence
from pathlib import Path

from llmtrain_api.jsonlog import JsonLog
from llmtrain_api.run_config import RunConfig
from llmtrain_trainer.training.train_state import TrainState
from llmtrain_trainer.training.word_vectors import WordVectorTask, open_task
from unit.trainer.builders import MakeRun, make_task_state
from unit.trainer.labelled_jobs import write_records

TRAINING = {
    "steps": 40,
    "microbatches": 6,
    "microbatchSize": 2,
    "warmupSteps": 2,
    "optimizer": {"learningRate": "5e-2"},
}


def make_vector_run(make_run: MakeRun, volume: Path, **sections: object) -> RunConfig:
    """Return the run config of a job on a text in which words of each of 40 topics stand together."""
    topics = range(40)
    text = "\n".join(
        " ".join(f"{name}{topic}" for name in ("one", "Two", "three", "four", "five") for _ in range(2))
        for step in range(30)
        for topic in (7 * number * (step + 1) % 41 - 1 for number in range(1, 41))
        if topic in topics
    )
    (volume / "topics.txt").write_text(text.replace("0", "zero").translate(str.maketrans("123456789", "abcdefghi")))
    return make_run(
        **{
            "task": {"name": "word-vectors"},
            "model": {"name": "skipgram", "width": 16},
            "data": {
                "source": {"volume": "datasets", "path": "topics.txt"},
                "tokenizer": {"kind": "words"},
                "heldOutPercent": 20,
            },
            "training": TRAINING,
        }
        | sections
    )


def make_vector_state(run: RunConfig, log: JsonLog) -> tuple[WordVectorTask, TrainState]:
    """Return task and state before the first step."""
    return make_task_state(open_task, run, log)


def write_vectors(path: Path, words: Sequence[str], width: int = 16) -> Path:
    """Write a file in GloVe's format: the vector of word n begins with the number n."""
    rows = (
        f"{word} {' '.join(str(number + position / width) for position in range(width))}\n"
        for number, word in enumerate(words)
    )
    path.write_text("".join(rows))
    return path


def make_reading_run(
    make_run: MakeRun, volume: Path, vectors: Path | None, *, task: str = "classification", name: str = "lstm"
) -> RunConfig:
    """Return the run config of a job that reads records as words, and begins with the vectors of a file if there is one."""
    write_records(volume, task)
    model = {"name": name, "width": 16, "layers": 1}
    run = make_run(
        task={"name": task},
        model=model | ({"vectors": {"volume": "models", "path": vectors.name}} if vectors else {}),
        data={
            "source": {"volume": "datasets", "path": "records"},
            "tokenizer": {"kind": "words", "minCount": 2},
            "heldOutPercent": 20,
        },
    )
    return run.model_copy(update={"vectors_path": str(vectors)}) if vectors else run
