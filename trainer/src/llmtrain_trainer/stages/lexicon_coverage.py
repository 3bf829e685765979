"""How many words of `spec.training.augment.synonyms` occur in the records to train on, and the check that it can be used."""

from typing import NamedTuple

from tokenizers import Tokenizer

from llmtrain_api.run_config import RunConfig
from llmtrain_trainer.data.labelled_dataset import LabelledDataset
from llmtrain_trainer.data.labels import LABEL_KINDS
from llmtrain_trainer.data.lexicon import lexicon_of
from llmtrain_trainer.data.model_tokenizer import ModelTokenizer
from llmtrain_trainer.data.synonym_tokens import SynonymTokens
from llmtrain_trainer.data.word_starts import WordStarts

COUNTED_TOKENS = 2**20
"""About how many tokens are looked at, in samples spread evenly."""


class LexiconCoverage(NamedTuple):
    """How much of a lexicon is of use."""

    words: int
    """Words that have synonyms."""
    found: int
    """Those that occur in the records that were looked at."""

    def __str__(self) -> str:
        """Return a sentence for the log."""
        return f"{self.found} of {self.words} words with synonyms occur in the records to train on"


def require_augmentation(run: RunConfig, tokenizer: Tokenizer | None) -> None:
    """BadInput if the job's lexicon is not valid, or words can't be found in the tokens of its model's `tokenizer`."""
    if run.training.augment is None:
        return
    lexicon_of(run)
    if tokenizer is not None:
        WordStarts.of(tokenizer)


def lexicon_coverage(run: RunConfig, dataset_id: str) -> LexiconCoverage | None:
    """Return how much of the job's lexicon occurs in a dataset; None without a lexicon. BadInput if it is not valid."""
    lexicon = lexicon_of(run)
    if lexicon is None:
        return None
    dataset = LabelledDataset.open(run.data_directory, dataset_id, LABEL_KINDS[run.task.name])
    tokenizer = ModelTokenizer.open(dataset.directory).tokenizer
    word_starts, synonyms, samples = WordStarts.of(tokenizer), SynonymTokens(tokenizer, lexicon), dataset.training
    count = max(1, min(len(samples), COUNTED_TOKENS * len(samples) // max(1, len(samples.tokens))))
    words = {
        unit.tokens
        for number in range(count)
        for unit in word_starts.units(samples.sequences([number * len(samples) // count])[0])
        if unit.is_word
    }
    found = {synonyms.word(tokens) for tokens in words} - {None}
    return LexiconCoverage(words=synonyms.words, found=len(found))
