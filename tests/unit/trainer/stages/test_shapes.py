"""The shape of a task's samples, and the remedies for a text that is too short for it."""

from pathlib import Path

import pytest

from llmtrain_api.termination import DatasetInfo
from llmtrain_trainer.data.dataset import DatasetFile
from llmtrain_trainer.errors import BadInput
from llmtrain_trainer.stages.shapes import sample_shape, source_settings
from unit.trainer.builders import MakeRun
from unit.trainer.masking_jobs import make_masked_run
from unit.trainer.stages.preparing_records import CLASSIFICATION, data
from unit.trainer.vectorizing import make_vector_run


@pytest.mark.parametrize(
    ("task", "remedy"),
    [
        ("pretrain", "add text, raise spec.data.heldOutPercent, or lower spec.model.contextLength"),
        ("masked", "add text, raise spec.data.heldOutPercent, or lower spec.data.maxTokens"),
        ("word-vectors", "add text or raise spec.data.heldOutPercent"),
    ],
)
def test_a_text_shorter_than_a_window_is_refused_with_the_field_of_its_length(
    make_run: MakeRun, volume: Path, task: str, remedy: str
) -> None:
    makers = {"masked": make_masked_run, "word-vectors": make_vector_run}
    run = makers[task](make_run, volume) if task in makers else make_run()
    info = DatasetInfo(id="short", tokens=10_000, held_out_tokens=2, vocab_size=300, unigram_loss=5.0)
    with pytest.raises(BadInput, match=r"^spec\.data\.source: the held-out text is only 2 tokens long") as error:
        sample_shape(run).require_usable(DatasetFile(info=info, type="uint16", files=1))
    assert str(error.value).endswith(f"; {remedy}")


def test_the_key_of_labelled_sources_depends_on_masking_only_if_it_is_asked_for(make_run: MakeRun) -> None:
    """Otherwise a new version of the trainer would read all text again."""
    run = make_run(**CLASSIFICATION, data=data())
    settings = source_settings(run, sample_shape(run))
    layout = "RecordLayout(label='label', format='Auto', kind='class', question='question')"
    assert repr(settings[-7:]) == f"('text', 'Replace', None, 'records', {layout}, 'Fail', None)"
    masked = make_run(**CLASSIFICATION, data=data(personalData="Mask"))
    assert repr(source_settings(masked, sample_shape(masked))) != repr(settings)
