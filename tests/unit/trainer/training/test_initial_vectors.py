"""The embedding of a network begins with the vectors of a file, and checkpoints and memberships know which file it was."""

from pathlib import Path

import numpy as np
import pytest
import torch

from llmtrain_api.jsonlog import JsonLog
from llmtrain_trainer.checkpoint.identity import require_same_identity
from llmtrain_trainer.checkpoint.manifest import MANIFEST_FILE, read_manifest
from llmtrain_trainer.data.tokenizer import load_tokenizer, words_of
from llmtrain_trainer.errors import BadInput
from llmtrain_trainer.stages.prepare import prepare
from llmtrain_trainer.stages.publish import publish
from unit.trainer.builders import MakeCheckpointer, MakeRun
from unit.trainer.labelled_jobs import NAMES, make_labelled_state
from unit.trainer.vectorizing import make_reading_run, write_vectors

KNOWN = ("fox", "quartz", "Dog", "never")


@pytest.mark.parametrize("name", NAMES)
def test_words_begin_with_their_scaled_vectors_and_others_as_without(
    make_run: MakeRun, log: JsonLog, volume: Path, tmp_path: Path, name: str
) -> None:
    file = write_vectors(tmp_path / "vectors.txt", KNOWN)
    task, _ = make_labelled_state(make_reading_run(make_run, volume, file, name=name), log)
    other, _ = make_labelled_state(make_reading_run(make_run, volume, None, name=name), log)
    words = words_of(load_tokenizer(task.dataset.directory))
    assert {"fox", "quartz", "dog"} < set(words)
    found, without = (
        dict(zip([None, *words], each.model.get_parameter("body.embed_tokens.weight").detach(), strict=True))
        for each in (task, other)
    )
    rows = torch.stack([found[word.lower()] for word in KNOWN[:3]])
    in_file = torch.tensor([[number + position / 16 for position in range(16)] for number in range(3)])
    factor = float(rows[2, 0] / in_file[2, 0])
    torch.testing.assert_close(rows, in_file * factor)
    assert float(rows.square().mean().sqrt()) == pytest.approx(0.25 if name == "encoder" else 1.0)
    assert all(torch.equal(found[word], without[word]) for word in found if word not in ("fox", "quartz", "dog"))


def test_a_checkpoint_that_began_with_another_file_is_refused(
    make_run: MakeRun, make_checkpointer: MakeCheckpointer, log: JsonLog, volume: Path, tmp_path: Path
) -> None:
    file = write_vectors(tmp_path / "vectors.txt", KNOWN)
    _, state = make_labelled_state(make_reading_run(make_run, volume, file), log)
    checkpointer = make_checkpointer(state)
    checkpointer.save()
    checkpointer.require_saved()
    manifest = read_manifest(next(tmp_path.rglob(MANIFEST_FILE)).parent)
    require_same_identity(state, manifest, "step-00000000")
    other = make_reading_run(make_run, volume, write_vectors(tmp_path / "other.txt", KNOWN[:2]))
    for run, now in ((other, "sha256:"), (make_reading_run(make_run, volume, None), "nothing;")):
        with pytest.raises(BadInput, match=rf"spec\.model\.vectors: .* with sha256:\w+, but the job now has {now}"):
            require_same_identity(make_labelled_state(run, log)[1], manifest, "step-00000000")


def test_vectors_of_another_width_are_refused_before_the_text_is_read(
    make_run: MakeRun, log: JsonLog, volume: Path, tmp_path: Path
) -> None:
    run = make_reading_run(make_run, volume, write_vectors(tmp_path / "vectors.txt", KNOWN, width=50))
    (volume / "records" / "all.jsonl").write_text("{")
    with pytest.raises(
        BadInput, match=r"vectors of 50 numbers, but the width of the model is 16; set spec\.model\.width"
    ):
        prepare(run, log)


def test_a_damaged_file_is_refused_before_a_worker_starts(
    make_run: MakeRun, log: JsonLog, volume: Path, tmp_path: Path
) -> None:
    file = write_vectors(tmp_path / "vectors.txt", KNOWN)
    file.write_text(file.read_text() + "fox 1 2\n")
    with pytest.raises(BadInput, match=r"vectors\.txt', line 5 has 2 numbers, not 16; correct the line"):
        prepare(make_reading_run(make_run, volume, file), log)


def test_publishing_and_preparing_report_the_coverage(
    make_run: MakeRun, make_checkpointer: MakeCheckpointer, log: JsonLog, volume: Path, tmp_path: Path
) -> None:
    run = make_reading_run(make_run, volume, write_vectors(tmp_path / "vectors.txt", KNOWN))
    task, state = make_labelled_state(run, log)
    words = words_of(load_tokenizer(task.dataset.directory))
    tokens = np.asarray(task.dataset.training.tokens)
    covered = np.isin(tokens, [words.index(word) + 1 for word in ("fox", "quartz", "dog")])
    checkpointer = make_checkpointer(state)
    state.step = run.training.total_steps
    checkpointer.save()
    checkpointer.require_saved()
    model = publish(run, task.dataset.info.id, log).model
    assert model is not None
    assert model.vectors is not None
    assert model.vectors.words == 3 / len(words)
    assert model.vectors.tokens == covered.mean() > 0
    assert prepare(run, log).message.endswith(f"; {model.vectors}")
