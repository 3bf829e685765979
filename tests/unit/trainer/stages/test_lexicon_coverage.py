"""*Prepare* refuses a lexicon that can't be used before it reads a text, and says how much of one occurs."""

import io
import json
from pathlib import Path

import pytest

from llmtrain_api.jsonlog import JsonLog
from llmtrain_trainer.errors import BadInput
from llmtrain_trainer.stages import lexicon_coverage
from llmtrain_trainer.stages.prepare import prepare
from unit.trainer.builders import MakeRun
from unit.trainer.labelled_jobs import make_labelled_run, make_pretrained_run, write_model_folder

SYNONYMS = "quick\tfast\nFox\tvixen\nzebra\thorse\nlazy\tlazy\n"
TRAINING: dict[str, object] = {"steps": 4, "augment": {"synonyms": "synonyms.tsv"}}


def test_the_words_that_occur_are_counted(
    make_run: MakeRun, log: JsonLog, lines: io.StringIO, volume: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (volume / "synonyms.tsv").write_text(SYNONYMS)
    run = make_labelled_run(make_run, volume, training=TRAINING)
    assert "; 2 of 3 words with synonyms occur in the records to train on" in prepare(run, log).message
    (line,) = (json.loads(line) for line in lines.getvalue().splitlines() if '"prepared"' in line)
    assert line["synonyms"] == {"words": 3, "found": 2}
    monkeypatch.setattr(lexicon_coverage, "COUNTED_TOKENS", 1)
    assert "of 3 words with synonyms" in prepare(run, log).message, "one record at least is looked at"


def test_they_are_counted_with_the_tokenizer_of_a_model(
    make_run: MakeRun, log: JsonLog, volume: Path, tmp_path: Path
) -> None:
    (volume / "synonyms.tsv").write_text(SYNONYMS)
    run = make_pretrained_run(make_run, volume, write_model_folder(tmp_path / "bert"), training=TRAINING)
    assert "; 2 of 3 words with synonyms occur" in prepare(run, log).message


def test_a_bad_line_is_refused_before_a_text_is_read(make_run: MakeRun, log: JsonLog, volume: Path) -> None:
    (volume / "synonyms.tsv").write_text("quick fast\n")
    run = make_labelled_run(make_run, volume, training=TRAINING)
    with pytest.raises(BadInput, match=r"^spec\.training\.augment\.synonyms: '.*synonyms\.tsv', line 1 has no tab; "):
        prepare(run, log)
    assert not (volume / ".llmtrain").exists()


def test_without_synonyms_nothing_is_counted(make_run: MakeRun, log: JsonLog, volume: Path) -> None:
    run = make_labelled_run(make_run, volume, training={"steps": 4, "augment": {"share": "0.3"}})
    assert "synonyms" not in prepare(run, log).message
