"""Text the model goes on with: one token after the other, drawn at a temperature."""

import torch
from tokenizers import Tokenizer

from llmtrain_api.job import Sample
from llmtrain_trainer.data.tokenizer import END_OF_TEXT_ID
from llmtrain_trainer.models.gpt import GPT

TEMPERATURE = 0.8


def generate(model: GPT, tokenizer: Tokenizer, sample: Sample, seed: int) -> str:
    """Return the prompt and what the model makes of it; the same for the same weights and `seed`."""
    tokens = tokenizer.encode(sample.prompt).ids
    generator = torch.Generator().manual_seed(seed)
    for _ in range(sample.tokens):
        tokens.append(_draw(model, tokens[-model.shape.context_length :], generator))
        if tokens[-1] == END_OF_TEXT_ID:
            break
    text: str = tokenizer.decode(tokens)
    return text


@torch.no_grad()
def _draw(model: GPT, tokens: list[int], generator: torch.Generator) -> int:
    logits_V = model(torch.tensor([tokens], device=model.model.norm.weight.device))[0, -1].float().cpu()
    probabilities_V = torch.softmax(logits_V / TEMPERATURE, dim=-1)
    return int(torch.multinomial(probabilities_V, 1, generator=generator))
