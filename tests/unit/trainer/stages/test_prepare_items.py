"""Prepare makes item sequences of events: sorted by time, the last item held out, the same whatever the shards."""

import json
from pathlib import Path

import pytest

from llmtrain_api.jsonlog import JsonLog
from llmtrain_trainer.data import item_assembly, scan
from llmtrain_trainer.data.item_dataset import ItemDataset
from llmtrain_trainer.data.tokenizer import load_tokenizer
from llmtrain_trainer.errors import BadInput, TrainerError
from llmtrain_trainer.stages import preparation as stage
from llmtrain_trainer.stages.prepare import prepare
from unit.trainer.builders import MakeRun, flip_last_bit
from unit.trainer.recommending import history, make_recommendation_run, write_events

SPEC: dict[str, object] = {
    "task": {"name": "recommendation"},
    "data": {"source": {"volume": "datasets", "path": "events.jsonl"}},
}
Rows = list[tuple[str, str, float]]


def write(volume: Path, rows: Rows) -> None:
    lines = [json.dumps({"user": user, "item": item, "time": time}) + "\n" for user, item, time in rows]
    (volume / "events.jsonl").write_text("".join(lines))


def opened(make_run: MakeRun, log: JsonLog, **sections: object) -> ItemDataset:
    run = make_run(**SPEC | sections)
    info = prepare(run, log).dataset
    assert info is not None
    return ItemDataset.open(run.data_directory, info.id)


def sequences(dataset: ItemDataset) -> list[list[str]]:
    """Return the items of each user, the held-out one last."""
    tokenizer = load_tokenizer(dataset.directory)
    tokens = [[*dataset.history(user), dataset.held_out[user]] for user in range(len(dataset.held_out))]
    return sorted([tokenizer.id_to_token(int(token)) for token in one] for one in tokens)


def test_the_items_of_each_user_are_in_order_of_time(make_run: MakeRun, log: JsonLog, volume: Path) -> None:
    run = make_recommendation_run(make_run, volume)
    outcome = prepare(run, log)
    assert outcome.dataset is not None
    dataset = ItemDataset.open(run.data_directory, outcome.dataset.id)
    assert sequences(dataset) == sorted(
        [f"item{item}" for item in history(user)] for user in range(60) if len(history(user)) > 1
    )
    info = outcome.dataset
    assert (info.samples, info.held_out_samples, info.held_out_tokens) == (57, 57, 57)
    assert (info.tokens, info.documents, info.vocab_size) == (len(dataset.tokens), info.tokens + 57 + 3, 21)
    assert outcome.message == (
        f"{info.tokens} records of 57 users to train on, in 20 items; the last of each is held out"
    )


def test_of_equal_times_the_first_record_is_first_and_the_same_record_counts_once(
    make_run: MakeRun, log: JsonLog, volume: Path
) -> None:
    rows: Rows = [("ann", "c", 5), ("ann", "b", 1), ("ann", "a", 1), ("ann", "b", 1), ("bob", "a", 9), ("ann", "b", 3)]
    write(volume, [*rows, ("cat", "b", 2), ("cat", "a", -1e9)])
    run = make_run(**SPEC)
    info = prepare(run, log).dataset
    assert info is not None
    dataset = ItemDataset.open(run.data_directory, info.id)
    assert sequences(dataset) == [["a", "b"], ["b", "a", "b", "c"]]
    assert (info.documents, info.duplicates, info.samples) == (7, 1, 2)
    tokenizer = load_tokenizer(dataset.directory)
    assert [tokenizer.token_to_id(item) for item in "abcd"] == [1, 2, 3, None]
    assert dataset.counts.tolist() == [0, 2, 2, 0]


def test_shards_and_parts_do_not_change_a_sequence(
    make_run: MakeRun, log: JsonLog, volume: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_events(volume)
    run = make_recommendation_run(make_run, volume)
    first = prepare(run, log).dataset
    assert first is not None
    directory = ItemDataset.open(run.data_directory, first.id).directory
    before = {path.name: path.read_bytes() for path in directory.iterdir()}
    (directory / "dataset.json").unlink()
    monkeypatch.setattr(scan, "UNIT_BYTES", 512)
    monkeypatch.setattr(stage, "UNIT_BYTES", 512)
    monkeypatch.setattr(item_assembly.ItemSource.__init__, "__kwdefaults__", {"events_per_part": 60})
    prepare(run, log)
    assert {path.name: path.read_bytes() for path in directory.iterdir()} == before


def test_a_shard_that_was_written_is_not_written_again_and_a_damaged_one_is(
    make_run: MakeRun, log: JsonLog, volume: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(volume, [("ann", f"{number % 7}", number) for number in range(30)])

    def fail(*arguments: object, **named: object) -> None:
        raise OSError("the volume is gone")

    with monkeypatch.context() as patch:
        patch.setattr(item_assembly, "dataset_writer", fail)
        with pytest.raises(OSError, match="the volume is gone"):
            opened(make_run, log)
    (events,) = (volume / ".llmtrain" / "prepared").glob("*/shard-00000.training")
    written = events.stat().st_ino
    flip_last_bit(events)
    with pytest.raises(
        TrainerError, match=r"shard-00000\.training was changed after it was written; it is prepared again"
    ):
        opened(make_run, log)
    assert events.stat().st_ino == written
    assert sequences(opened(make_run, log)) == [[f"{number % 7}" for number in range(30)]]


def test_bad_records_are_refused_or_counted(make_run: MakeRun, log: JsonLog, volume: Path) -> None:
    write(volume, [("ann", "a", 1), ("ann", "b", 2), ("ann", "c", 3), ("", "a", 1)])
    with pytest.raises(
        BadInput,
        match=r"spec\.data: 'events\.jsonl', line 4: no user in 'user'; the object has 'user', 'item', 'time'; correct",
    ):
        opened(make_run, log)
    source = {"volume": "datasets", "path": "events.jsonl"}
    dataset = opened(make_run, log, data={"source": source, "onBadRecord": "Skip"})
    report = json.loads((dataset.directory / "report.json").read_text())
    assert report["badRecords"] == {"noUser": 1}


@pytest.mark.parametrize(
    ("rows", "problem"),
    [
        ([("ann", "a", 1), ("ann", "a", 2)], r"columns\.item: all 2 records have one item"),
        ([("ann", "a", 1), ("bob", "b", 2)], r"columns\.user: no user has two records"),
        ([("ann", "a", 1), ("ann", "b", 2)], r"columns\.user: no user has three records"),
    ],
)
def test_events_from_which_nothing_can_be_learned(
    make_run: MakeRun, log: JsonLog, volume: Path, rows: Rows, problem: str
) -> None:
    write(volume, rows)
    with pytest.raises(BadInput, match=rf"^spec\.data\.{problem}"):
        opened(make_run, log)


def test_too_many_items_are_refused(
    make_run: MakeRun, log: JsonLog, volume: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(item_assembly, "MAX_ITEMS", 4)
    write(volume, [("ann", item, 1) for item in "abcd"])
    with pytest.raises(BadInput, match=r"spec\.data\.columns\.item: 4 different items, more than 3; name the column"):
        opened(make_run, log)
