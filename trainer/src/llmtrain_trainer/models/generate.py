"""Text generation: one token after the other, sampled at a fixed temperature."""

import torch
from tokenizers import Tokenizer

from llmtrain_api.job import Sample
from llmtrain_trainer.models.gpt import GPT

TEMPERATURE = 0.8


def generate(model: GPT, tokenizer: Tokenizer, sample: Sample, *, seed: int, end_of_text_id: int) -> str:
    """Return the prompt of `sample` and its continuation by the model.

    The text ends after `sample.tokens` new tokens or with the token `end_of_text_id`. It is the same for the same
    weights and `seed`.
    """
    tokens = tokenizer.encode(sample.prompt).ids
    generator = torch.Generator().manual_seed(seed)
    for _ in range(sample.tokens):
        tokens.append(_next_token(model, tokens[-model.config.context_length :], generator))
        if tokens[-1] == end_of_text_id:
            break
    text: str = tokenizer.decode(tokens)
    return text


@torch.no_grad()
def _next_token(model: GPT, tokens: list[int], generator: torch.Generator) -> int:
    logits_V = model(torch.tensor([tokens], device=model.model.norm.weight.device))[0, -1].float().cpu()
    probabilities_V = torch.softmax(logits_V / TEMPERATURE, dim=-1)
    return int(torch.multinomial(probabilities_V, 1, generator=generator))
