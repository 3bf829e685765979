"""Hugging Face's libraries load the exported model as a Llama, with the same logits and tokens."""

import warnings
from pathlib import Path

import pytest
import torch

from llmtrain_trainer.data.tokenizer import END_OF_TEXT, END_OF_TEXT_ID, tokenizer_json, train_tokenizer
from llmtrain_trainer.models.config import GPTConfig
from llmtrain_trainer.models.gpt import GPT
from llmtrain_trainer.models.huggingface import export
from llmtrain_trainer.models.init_weights import init_weights
from unit.trainer.builders import VOCAB_SIZE, prose

CONFIG = GPTConfig(layers=2, width=64, heads=4, kv_heads=2, context_length=32, vocab_size=VOCAB_SIZE)


@pytest.fixture
def exported(tmp_path: Path) -> tuple[GPT, Path]:
    model = GPT(CONFIG)
    init_weights(model, 3, CONFIG.layers)
    tokenizer = tokenizer_json(train_tokenizer([prose(2000)], VOCAB_SIZE))
    export(model, tokenizer, tmp_path, end_of_text=END_OF_TEXT, end_of_text_id=END_OF_TEXT_ID)
    return model, tmp_path


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
