"""Text is tokenized once; after that any sample of any epoch can be read directly.

The text, as it comes:

    source.py           the files of a job, by name, size and time
    decoding.py         the encoding of a file
    text_stream.py      the decoded text of a file, from any place in it
    documents.py        the documents of a file: plain text, JSONL
    records.py          the records of a file, a text and its label: JSONL, CSV, TSV, Parquet, CoNLL, SQuAD, folders
    labels.py           what a label can be: a class, a number, a tag for each word, a span
    tagged_words.py     the tokens of words that have a tag each
    questions.py        questions about a text; question_windows.py is what is read of one
    event_records.py    the events of a file: a user, an item and a time
    record_values.py    text and label of a record, before they are checked
    table_rows.py       the rows of a table, with their places
    table_columns.py    the columns of a table that are used
    parquet.py          the rows of a Parquet file
    pieces.py           parts of a document whose tokens are parts of the document's
    bad_text.py         what is not valid, and where

From text to a dataset, by several processes and in constant memory:

    scan.py             hash and size of each document
    shape.py            what a task makes of a source; text_shape.py, labelled_shape.py and item_shape.py are there
    split.py            what is trained on, what is held out, and what is left out
    split_records.py    the same for records, by number
    source_split.py     the split of all documents of a job, source by source in a mixture
    cut.py              where the document that is cut in two is cut
    shards.py           the parts of a source that are tokenized by themselves
    labelled_shards.py  the samples of a shard of records
    item_shards.py      the events of a shard
    sample.py           the text that the tokenizer is trained on
    tokenizer.py        byte-pair encoding, and whole words
    word_splitter.py    words as NLTK and spaCy split them
    cached_encoding.py  tokenizing each different word once
    assembly.py         the dataset directory from tokenized shards; labelled_assembly.py that of records,
                        item_assembly.py that of events
    unigram.py          the loss of a model that knows only token frequencies
    report.py           what was found in the text
    source_index.py     which dataset was made of which files
    processes.py        the processes that share the work
    progress.py         what is logged while it lasts
    written_files.py    files that are complete or not there

The dataset:

    dataset.py          a dataset directory: tokens, tokenizer and its description
    labelled_dataset.py a dataset of records: where each begins, and its label
    item_dataset.py     a dataset of events: the items of each user, in windows
    permutation.py      a keyed shuffle that needs no table
    mixture.py          which source of a mixture gives a sample, and which
    sampler.py          the sample numbers of a microbatch
    text_windows.py     the windows of a text, source by source
    loader.py           the tokens of a microbatch
    word_windows.py     words and negatives of a microbatch, for word vectors
    step_samples.py     the records of a microbatch, of which those of a step are sorted by length
    lexicon.py          the file of synonyms of a job
    word_starts.py      the words of a sample, from its tokens
    synonym_tokens.py   synonyms as tokens
    augmentation.py     operations on the words of a sample

All results are functions of the text and the settings alone. Nothing here imports torch.
"""
