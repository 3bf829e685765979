"""A text, and tokenizers of every kind that know its words."""

from collections.abc import Callable, Mapping

from tokenizers import Tokenizer, decoders, models, pre_tokenizers, processors

from llmtrain_trainer.data.tokenizer import train_tokenizer, train_wordpiece, train_words

TEXT = "Good film, it was (fine) and good-looking  café\nnew words of xyz."
PLAIN = "a good film was fine and nice movie very new words of it looking café bar "


def _metaspace() -> Tokenizer:
    words = ["\u2581" + word for word in PLAIN.split()]
    pieces = [("<unk>", 0.0), *((word, -2.0) for word in words), *((letter, -9.0) for letter in sorted(set(TEXT)))]
    tokenizer = Tokenizer(models.Unigram([*pieces, ("\u2581", -8.0)], unk_id=0))
    tokenizer.pre_tokenizer, tokenizer.decoder = pre_tokenizers.Metaspace(), decoders.Metaspace()
    return tokenizer


def _with_ends() -> Tokenizer:
    tokenizer = train_wordpiece([TEXT, PLAIN * 3], 90)
    tokenizer.add_special_tokens(["[CLS]", "[SEP]"])
    ends = [(name, tokenizer.token_to_id(name)) for name in ("[CLS]", "[SEP]")]
    tokenizer.post_processor = processors.TemplateProcessing(single="[CLS] $A [SEP]", special_tokens=ends)
    return tokenizer


TOKENIZERS: Mapping[str, Callable[[], Tokenizer]] = {
    "bpe": lambda: train_tokenizer([TEXT, PLAIN * 3], 310),
    "small bpe": lambda: train_tokenizer([TEXT, PLAIN * 3], 258),
    "wordpiece": _with_ends,
    "words": lambda: train_words([PLAIN * 3, *[TEXT.replace("xyz", "it")] * 2], 2),
    "metaspace": _metaspace,
}
