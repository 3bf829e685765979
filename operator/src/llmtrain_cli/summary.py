"""The result of a run, in a few lines; the last line is machine-readable."""

from dataclasses import dataclass
from pathlib import Path

from llmtrain_api.protocol import Progress
from llmtrain_api.termination import ModelInfo


@dataclass(frozen=True, kw_only=True)
class Summary:
    """The results of a run that succeeded."""

    job: str
    steps: int
    """Steps done by the published state."""
    model: ModelInfo | None
    """None if the job ran a user program."""
    output_dir: Path
    """The published model, or the output folder of the user program."""
    seconds: float
    first_loss: float | None
    last: Progress | None
    """None if an earlier run had already finished the training, or the user program reports no progress."""

    def lines(self) -> list[str]:
        """Return the summary, one string per line."""
        return [
            *([f"loss      {self._loss} {self._unit}, over {self.last.step} steps"] if self.last else []),
            *(self._model_lines(self.model) if self.model else [f"output    {self.output_dir}"]),
            self._result_line,
        ]

    def _model_lines(self, model: ModelInfo) -> list[str]:
        return [
            *([f"training  {model.ending}"] if model.ending else []),
            f"held out  {_scores(model)}",
            *([f"vectors   {model.vectors}"] if model.vectors else []),
            *([f"speed     {self.last.tokens_per_second:,.0f} tokens/s"] if self.last else []),
            f"model     {self.output_dir} ({model.parameters:,} parameters)",
            *(["sample", *(f"  | {_printable(line)}" for line in model.sample.splitlines())] if model.sample else []),
        ]

    @property
    def _unit(self) -> str:
        return "per sample" if self.model and self.model.metrics else "nats per token"

    @property
    def _loss(self) -> str:
        assert self.last
        return f"{self.first_loss or self.last.loss:.3f} -> {self.last.loss:.3f}"

    @property
    def _result_line(self) -> str:
        speed = f"{self.last.tokens_per_second:.0f}" if self.last else "-"
        scores = "".join(f"{name}={value} " for name, value in _named_scores(self.model)) if self.model else ""
        return (
            f"local: {self.job} Succeeded steps={self.steps} loss={self._loss.replace(' ', '') if self.last else '-'} "
            f"{scores}tokensPerSecond={speed} seconds={self.seconds:.0f}"
        )


def _printable(text: str) -> str:
    """Return a text without terminal control characters, which a model's sample can contain."""
    return "".join(character if character.isprintable() else "\N{REPLACEMENT CHARACTER}" for character in text)


def _named_scores(model: ModelInfo) -> list[tuple[str, str]]:
    """Return the scores of a model with their names in the status: perplexities, or the metrics of another task."""
    if model.perplexity is not None and model.unigram_perplexity is not None:
        figures = {"perplexity": model.perplexity, "unigramPerplexity": model.unigram_perplexity}
        return [(name, f"{value:.1f}") for name, value in figures.items()]
    return [(name, f"{value:.4f}") for name, value in model.metrics.items()]


def _scores(model: ModelInfo) -> str:
    """Return the scores of a model for a reader."""
    scores = _named_scores(model)
    if model.perplexity is not None:
        return f"perplexity {scores[0][1]}; unigram baseline {scores[1][1]}"
    return ", ".join(f"{name} {value}" for name, value in scores)
