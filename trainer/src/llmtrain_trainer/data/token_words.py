"""The texts of the tokens of a sample, and the words that they are, as they are shown to people, whatever the tokenizer is."""

from collections.abc import Sequence
from typing import NamedTuple

from tokenizers import Tokenizer

REPLACED = "\ufffd"
"""What the first bytes of a character are decoded to, while the others are missing."""


class TokenWord(NamedTuple):
    """A word, or a special token."""

    text: str
    """With the space before it."""
    start: int
    """Its first token."""
    stop: int
    """The token after its last one."""


def token_texts(tokenizer: Tokenizer, tokens: Sequence[int]) -> list[str]:
    """Return what each token adds to the decoded text before it: a tokenizer may decode one by itself to something else.

    Of a character of several tokens the last one has it, and the others have no text.
    """
    texts, before = list[str](), ""
    for position, token in enumerate(tokens):
        whole = tokenizer.decode(list(tokens[: position + 1]), skip_special_tokens=False)
        if whole.endswith(REPLACED):
            texts.append("")
            continue
        texts.append(whole[len(before) :] if whole.startswith(before) else str(tokenizer.id_to_token(token)))
        before = whole
    return texts


def token_words(tokenizer: Tokenizer, tokens: Sequence[int]) -> list[TokenWord]:
    """Return the words of a sample, in order: together they have all of its tokens.

    A word begins with a token whose text begins with whitespace, and a special token is a word.
    """
    words, texts = list[TokenWord](), token_texts(tokenizer, tokens)
    special = {number for number, token in tokenizer.get_added_tokens_decoder().items() if token.special}
    for position, (token, text) in enumerate(zip(tokens, texts, strict=True)):
        after_special = not words or tokens[position - 1] in special
        if after_special or token in special or (texts[position - 1] and text[:1].isspace()):
            words.append(TokenWord(text, position, position + 1))
        else:
            words[-1] = TokenWord(words[-1].text + text, words[-1].start, position + 1)
    return words
