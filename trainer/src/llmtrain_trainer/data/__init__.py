"""Text is tokenized once; after that any sample of any epoch can be read directly.

    source.py       the text files of a job
    split.py        the split into training text and held-out text
    tokenizer.py    byte-pair encoding
    dataset.py      a dataset directory: tokens, tokenizer and its description
    permutation.py  a keyed shuffle that needs no table
    sampler.py      the sample numbers of a microbatch
    loader.py       the tokens of a microbatch
    unigram.py      the loss of a model that knows only token frequencies

All results are functions of the text and the settings alone. Nothing here imports torch.
"""
