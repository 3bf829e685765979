"""Text is tokenized once; after that any sample of any epoch can be read directly.

The text, as it comes:

    source.py           the files of a job, by name, size and time
    decoding.py         the encoding of a file
    documents.py        the documents of a file: plain text, JSONL
    parquet.py          the documents of a Parquet file
    pieces.py           parts of a document whose tokens are parts of the document's
    bad_text.py         what is not valid, and where

From text to a dataset, by several processes and in constant memory:

    scan.py             hash and size of each document
    split.py            what is trained on, what is held out, and what is left out
    cut.py              where the document that is cut in two is cut
    shards.py           the parts of a source that are tokenized by themselves
    sample.py           the text that the tokenizer is trained on
    tokenizer.py        byte-pair encoding
    cached_encoding.py  tokenizing each different word once
    assembly.py         the dataset directory from tokenized shards
    unigram.py          the loss of a model that knows only token frequencies
    report.py           what was found in the text
    source_index.py     which dataset was made of which files
    processes.py        the processes that share the work
    progress.py         what is logged while it lasts
    written_files.py    files that are complete or not there

The dataset:

    dataset.py          a dataset directory: tokens, tokenizer and its description
    permutation.py      a keyed shuffle that needs no table
    sampler.py          the sample numbers of a microbatch
    loader.py           the tokens of a microbatch

All results are functions of the text and the settings alone. Nothing here imports torch.
"""
