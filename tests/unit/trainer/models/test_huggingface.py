"""Hugging Face's libraries load the exported model as a Llama, with the same logits and tokens."""

import json
import warnings
from pathlib import Path

import pytest
import torch

from llmtrain_trainer.data.tokenizer import END_OF_TEXT, END_OF_TEXT_ID, tokenizer_json, train_tokenizer
from llmtrain_trainer.models import gpt, huggingface
from llmtrain_trainer.models.config import GPTConfig
from llmtrain_trainer.models.gpt import GPT
from llmtrain_trainer.models.huggingface import export
from llmtrain_trainer.models.init_weights import init_weights
from unit.trainer.builders import VOCAB_SIZE, prose

CONFIG = GPTConfig(layers=2, width=64, heads=4, kv_heads=2, context_length=32, vocab_size=VOCAB_SIZE)


def export_to(folder: Path) -> tuple[GPT, Path]:
    """Export a model to a folder."""
    model = GPT(CONFIG)
    init_weights(model, 3, CONFIG.layers)
    tokenizer = tokenizer_json(train_tokenizer([prose(2000)], VOCAB_SIZE))
    export(model, tokenizer, folder, end_of_text=END_OF_TEXT, end_of_text_id=END_OF_TEXT_ID)
    return model, folder


@pytest.fixture
def exported(tmp_path: Path) -> tuple[GPT, Path]:
    return export_to(tmp_path)


@pytest.mark.filterwarnings("ignore")
def test_transformers_computes_the_same_logits(exported: tuple[GPT, Path]) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from transformers import AutoModelForCausalLM

    model, folder = exported
    tokens = torch.randint(0, VOCAB_SIZE, (2, 32), generator=torch.Generator().manual_seed(0))
    with torch.no_grad():
        theirs = AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32)(tokens).logits
        assert torch.allclose(model(tokens), theirs, atol=1e-4)


@pytest.mark.filterwarnings("ignore")
def test_transformers_produces_the_same_tokens(exported: tuple[GPT, Path]) -> None:
    from transformers import AutoTokenizer

    folder = exported[1]
    tokenizer = AutoTokenizer.from_pretrained(folder)
    ours = train_tokenizer([prose(2000)], VOCAB_SIZE)
    text = "the quick brown\n  żółw"
    assert tokenizer(text)["input_ids"] == ours.encode(text).ids
    assert tokenizer.decode(tokenizer(text)["input_ids"]) == text
    assert tokenizer.eos_token_id == 0


@pytest.mark.filterwarnings("ignore")
def test_a_batch_of_texts_can_be_padded(exported: tuple[GPT, Path]) -> None:
    from transformers import AutoModelForCausalLM, AutoTokenizer

    model, folder = exported
    texts = ["the", "the quick brown fox"]
    batch = AutoTokenizer.from_pretrained(folder)(texts, padding=True, return_tensors="pt")
    assert batch["input_ids"].shape[0] == 2
    theirs = AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32)
    with torch.no_grad():
        logits = theirs(**batch).logits[0, 0]
        assert torch.allclose(model(batch["input_ids"][:1, :1])[0, 0], logits, atol=1e-4)
    assert (theirs.config.pad_token_id, theirs.generation_config.pad_token_id) == (END_OF_TEXT_ID, END_OF_TEXT_ID)


@pytest.mark.filterwarnings("ignore")
def test_the_base_of_the_rotary_positions_is_exported(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Another base than the default of the reader, in the keys of transformers 4 and 5."""
    from transformers import AutoModelForCausalLM

    monkeypatch.setattr(gpt, "ROTARY_BASE", 321.0)
    monkeypatch.setattr(huggingface, "ROTARY_BASE", 321.0)
    model, folder = export_to(tmp_path)
    tokens = torch.randint(0, VOCAB_SIZE, (2, 32), generator=torch.Generator().manual_seed(0))
    with torch.no_grad():
        theirs = AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32)(tokens).logits
        assert torch.allclose(model(tokens), theirs, atol=1e-4)
    config = json.loads((folder / "config.json").read_text())
    assert (config["rope_theta"], config["rope_parameters"]["rope_theta"]) == (321.0, 321.0)
