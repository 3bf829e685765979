"""The texts to train on as they are learned: with changed words in each epoch, if the job asks for it."""

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

from llmtrain_api.run_config import RunConfig
from llmtrain_trainer.data.augmentation import Augmentation
from llmtrain_trainer.data.dataset import Tokens
from llmtrain_trainer.data.labelled_dataset import LabelledSamples
from llmtrain_trainer.data.lexicon import lexicon_of
from llmtrain_trainer.data.model_tokenizer import ModelTokenizer
from llmtrain_trainer.data.synonym_tokens import SynonymTokens
from llmtrain_trainer.data.word_starts import WordStarts


@dataclass(frozen=True, kw_only=True)
class AugmentedTexts:
    """The samples to train on."""

    samples: LabelledSamples
    seed: int
    augmentation: Augmentation | None = None
    """None leaves the samples as they are."""
    lexicon_digest: str = ""
    """Checksum of the lexicon; empty without one."""

    @classmethod
    def open(cls, run: RunConfig, samples: LabelledSamples, directory: Path) -> "AugmentedTexts":
        """Return those of a job with a dataset in a directory. BadInput if its lexicon can't be used."""
        augment, seed = run.training.augment, run.training.seed
        if augment is None:
            return cls(samples=samples, seed=seed)
        tokenizer, lexicon = ModelTokenizer.open(directory).tokenizer, lexicon_of(run)
        return cls(
            samples=samples,
            seed=seed,
            augmentation=Augmentation(
                fraction=Fraction(augment.share),
                word_starts=WordStarts.of(tokenizer),
                max_tokens=run.data.max_tokens,
                synonyms=SynonymTokens(tokenizer, lexicon) if lexicon else None,
            ),
            lexicon_digest=lexicon.digest if lexicon else "",
        )

    def sequences(self, numbers: Sequence[int], epochs: Sequence[int]) -> list[Tokens]:
        """Return the tokens of samples, each in an epoch: a function of seed, epoch and number of a sample."""
        sequences = self.samples.sequences(numbers)
        if self.augmentation is None:
            return sequences
        return [
            self.augmentation.apply(sequence, f"augment/{self.seed}/{epoch}/{number}")
            for sequence, number, epoch in zip(sequences, numbers, epochs, strict=True)
        ]
