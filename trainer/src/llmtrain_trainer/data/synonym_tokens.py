"""The synonyms of a lexicon as tokens, in the form that fits a word of a sample.

A synonym is tokenized behind another text, with a space between them or without, so its tokens are those that it would have in a
text. One that the tokenizer has no tokens for, or reads as an unknown word, is left out. What was found for a word is kept.
"""

import functools
from collections.abc import Sequence

from tokenizers import Tokenizer

from llmtrain_trainer.data.augmentation import TokenIds
from llmtrain_trainer.data.lexicon import Lexicon
from llmtrain_trainer.data.word_starts import Unit, unknown_token

CACHED_WORDS = 2**16
SPACED_CONTEXT, JOINED_CONTEXT = "a", "("
"""Texts before a synonym with a space, and before one without: a mark, from which tokenizers separate a word."""


class SynonymTokens:
    """Implements `Synonyms`."""

    def __init__(self, tokenizer: Tokenizer, lexicon: Lexicon) -> None:
        self._tokenizer, self._unknown = tokenizer, unknown_token(tokenizer)
        self._synonyms = {
            word if word.isascii() else self._read(word): synonyms for word, synonyms in lexicon.synonyms.items()
        }
        self._found = functools.lru_cache(maxsize=CACHED_WORDS)(self._find)

    @property
    def words(self) -> int:
        """How many words have synonyms."""
        return sum(1 for synonyms in self._synonyms.values() if synonyms)

    def replacing(self, word: Unit) -> Sequence[TokenIds]:
        """Return those that can stand in the place of a word, with a capital letter if it has one."""
        return self._found(word.tokens, is_spaced=word.is_spaced, capitals=True)

    def inserted(self, word: Unit) -> Sequence[TokenIds]:
        """Return those of a word that can stand behind any other, as they are written."""
        return self._found(word.tokens, is_spaced=True, capitals=False)

    def word(self, tokens: TokenIds) -> str | None:
        """Return the word of the lexicon that tokens are, in lower case; None if there is none with synonyms."""
        word = self._decode(tokens).lower()
        return word if self._synonyms.get(word) else None

    def _find(self, tokens: TokenIds, *, is_spaced: bool, capitals: bool) -> Sequence[TokenIds]:
        word = self.word(tokens)
        if word is None:
            return ()
        has_capital = capitals and self._decode(tokens)[0].isupper()
        written = [each[0].upper() + each[1:] if has_capital else each for each in self._synonyms[word]]
        return [found for synonym in written if (found := self._encode(synonym, is_spaced=is_spaced))]

    def _encode(self, synonym: str, *, is_spaced: bool) -> TokenIds:
        """Return the tokens of a synonym behind another text; none if it has no tokens of its own, or unknown ones."""
        context, text = (SPACED_CONTEXT, f" {synonym}") if is_spaced else (JOINED_CONTEXT, synonym)
        before, whole = self._ids(context), self._ids(context + text)
        tokens = whole[len(before) :]
        return tokens if whole[: len(before)] == before and self._unknown not in tokens else ()

    def _read(self, word: str) -> str:
        """Return a word as the tokenizer reads it: some leave out accents."""
        return self._decode(self._ids(word)).lower()

    def _ids(self, text: str) -> TokenIds:
        return tuple(self._tokenizer.encode(text, add_special_tokens=False).ids)

    def _decode(self, tokens: TokenIds) -> str:
        return str(self._tokenizer.decode(list(tokens), skip_special_tokens=False)).strip()
