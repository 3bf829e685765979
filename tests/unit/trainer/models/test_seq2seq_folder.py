"""Published encoder-decoders: the library's own search writes from the folder what the job's network writes."""

import json
from pathlib import Path
from typing import Any

import pytest
import torch
from transformers import AutoModelForSeq2SeqLM

from llmtrain_api.model_sizes import EncoderSizes
from llmtrain_trainer.errors import BadInput
from llmtrain_trainer.models.seq2seq import Seq2Seq, folder_config, require_written, t5_config
from llmtrain_trainer.models.seq2seq_folder import Seq2SeqUse, load_seq2seq, save_seq2seq
from unit.trainer.bart_folder import VOCABULARY, write_bart_folder

SOURCES, LENGTHS = torch.tensor([[8, 9, 10, 11, 0]]), torch.tensor([5])
USE = Seq2SeqUse(task="translation", max_tokens=8, max_written_tokens=40, text_column="en")


def save(model: Seq2Seq, folder: Path) -> Any:
    """Publish a network, and return what the library loads."""
    folder.mkdir()
    save_seq2seq(model, USE, "{}", folder, source=None, end_of_text="<|endoftext|>")
    network: Any = AutoModelForSeq2SeqLM.from_pretrained(folder)
    return network


def test_the_library_writes_texts_of_any_length_to_the_end(tmp_path: Path) -> None:
    model = Seq2Seq(t5_config(EncoderSizes(layers=1, width=16, heads=4), vocab_size=20, end_of_text=0, dropout=0.0))
    model.init_weights(0)
    with torch.no_grad():
        model.network.get_parameter("shared.weight")[0] = 0  # so that it does not end the text at once
    written = model.generate(SOURCES, LENGTHS, 40)
    assert written.shape[1] > 20  # which is how many the library writes by itself
    assert torch.equal(save(model, tmp_path / "t5").generate(SOURCES)[:, 1:], written)
    loaded, use = load_seq2seq(tmp_path / "t5")
    assert torch.equal(loaded.generate(SOURCES, LENGTHS, use.max_written_tokens), written)


def load(folder: Path) -> Seq2Seq:
    """Return the network of a job with a model in `folder`."""
    model = Seq2Seq(folder_config(folder, "translation", vocab_size=VOCABULARY, max_tokens=8), folder)
    model.init_weights(0, folder)
    return model


def test_a_bias_that_is_not_trained_is_that_of_the_folder(tmp_path: Path) -> None:
    folder = write_bart_folder(tmp_path / "bart")
    saved: Any = AutoModelForSeq2SeqLM.from_pretrained(folder)
    assert saved.final_logits_bias.any()
    model = load(folder)
    assert torch.equal(model.network.get_buffer("final_logits_bias"), saved.final_logits_bias)
    assert torch.equal(save(model, tmp_path / "published").final_logits_bias, saved.final_logits_bias)
    with torch.no_grad():
        logits = saved(input_ids=SOURCES, labels=SOURCES).logits
        assert torch.equal(model(SOURCES, LENGTHS, SOURCES), logits)


RULES = {"forced_bos_token_id": 7, "decoder_start_token_id": 5, "min_length": 12, "no_repeat_ngram_size": 1}


def test_a_model_writes_by_the_rules_of_its_folder_and_is_published_with_them(tmp_path: Path) -> None:
    beams = {"num_beams": 4, "early_stopping": True, "length_penalty": 2.0, "max_length": 9, "eos_token_id": 2}
    model = load(write_bart_folder(tmp_path / "bart", **RULES, **beams))
    written = model.generate(SOURCES, LENGTHS, 14)
    tokens = written[0].tolist()
    assert tokens[0] == 7
    text = tokens[: tokens.index(2)] if 2 in tokens else tokens
    assert 11 <= len(text) == len(set(text))
    network = save(model, tmp_path / "published")
    assert torch.equal(network.generate(SOURCES, max_new_tokens=14)[:, 1:], written)
    assert network.config.decoder_start_token_id == 5
    rules = json.loads((tmp_path / "published" / "generation_config.json").read_text())
    assert {name: rules[name] for name in RULES} == RULES
    assert rules["max_new_tokens"] == 40
    assert not rules.keys() & {"early_stopping", "length_penalty", "max_length"}
    loaded, _ = load_seq2seq(tmp_path / "published")
    assert torch.equal(loaded.generate(SOURCES, LENGTHS, 14), written)


def test_rules_are_those_of_the_configuration_in_a_folder_without_a_file_of_them(tmp_path: Path) -> None:
    folder = write_bart_folder(tmp_path / "bart")
    (folder / "generation_config.json").unlink()
    config = json.loads((folder / "config.json").read_text())
    (folder / "config.json").write_text(json.dumps(config | {"forced_bos_token_id": 9, "num_beams": 4}))
    assert load(folder).generate(SOURCES, LENGTHS, 3)[0, 0] == 9


def test_rules_that_can_not_be_followed_are_refused(tmp_path: Path) -> None:
    folder = write_bart_folder(tmp_path / "bart", decoder_start_token_id=2, forced_bos_token_id=VOCABULARY)
    config = folder_config(folder, "translation", vocab_size=VOCABULARY, max_tokens=8)
    with pytest.raises(BadInput, match=r"^spec\.model\.from: the model .* can't be computed"):
        require_written(config, "translation", folder, weights=True, tokens=[[8, 9]])
    (folder / "generation_config.json").write_text("{")
    with pytest.raises(BadInput, match=r"generation_config\.json' has no valid settings of how texts are written"):
        load(folder)
