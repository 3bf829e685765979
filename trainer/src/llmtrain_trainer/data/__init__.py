"""Text becomes tokens once; then any sample of any epoch can be read at once.

    source.py       the text files of a job
    split.py        which text is held out
    tokenizer.py    byte-pair encoding
    unigram.py      the loss of a model that knows only frequencies
    prepare.py      the prepare stage: text to a dataset folder
    dataset.py      a dataset folder: tokens, tokenizer, facts
    permutation.py  a keyed order of samples, with no table
    order.py        which samples a microbatch holds
    batches.py      the microbatches of a step

What comes out is a function of the text and the settings alone.
"""
