"""What came of a run, in a few lines; the last one is for grep."""

from dataclasses import dataclass
from pathlib import Path

from llmtrain_api.protocol import Progress
from llmtrain_api.termination import ModelInfo


@dataclass(frozen=True, kw_only=True)
class Summary:
    """The figures of a run that succeeded."""

    job: str
    steps: int
    model: ModelInfo | None
    """None if the job ran a program of the user's own."""
    folder: Path
    """Where the model is, or what that program wrote."""
    seconds: float
    first_loss: float | None
    last: Progress | None
    """None if the job had been trained to the end before, or its program doesn't say how far it is."""

    def lines(self) -> list[str]:
        """Return the summary."""
        return [
            *([f"loss      {self._loss} nats a token, over {self.steps} steps"] if self.last else []),
            *(self._of(self.model) if self.model else [f"output    {self.folder}"]),
            self._verdict,
        ]

    def _of(self, model: ModelInfo) -> list[str]:
        return [
            f"held out  perplexity {model.perplexity:.1f}; by token frequencies alone {model.unigram_perplexity:.1f}",
            *([f"speed     {self.last.tokens_per_second:,.0f} tokens/s"] if self.last else []),
            f"model     {self.folder} ({model.parameters:,} parameters)",
            *(["sample", *(f"  | {_printable(line)}" for line in model.sample.splitlines())] if model.sample else []),
        ]

    @property
    def _loss(self) -> str:
        assert self.last
        return f"{self.first_loss or self.last.loss:.3f} -> {self.last.loss:.3f}"

    @property
    def _verdict(self) -> str:
        speed = f"{self.last.tokens_per_second:.0f}" if self.last else "-"
        perplexity = (
            f"perplexity={self.model.perplexity:.1f} unigramPerplexity={self.model.unigram_perplexity:.1f} "
            if self.model
            else ""
        )
        return (
            f"local: {self.job} Succeeded steps={self.steps} loss={self._loss.replace(' ', '') if self.last else '-'} "
            f"{perplexity}tokensPerSecond={speed} seconds={self.seconds:.0f}"
        )


def _printable(text: str) -> str:
    """Return a text without what would steer the terminal: a model writes anything."""
    return "".join(character if character.isprintable() else "\N{REPLACEMENT CHARACTER}" for character in text)
