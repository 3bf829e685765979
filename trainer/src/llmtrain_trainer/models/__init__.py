"""The built-in networks.

A GPT of the Llama family:

    config.py             its sizes: presets, and what a job changes in them
    gpt.py                the decoder
    flops.py              the operations that a token costs, and model FLOPs utilization (MFU)
    generate.py           sampling text
    huggingface.py        export in the layout of Hugging Face's libraries

Networks for labelled sequences:

    encoder.py            a small Transformer
    recurrent.py          LSTM and GRU
    pooling.py            the states that a task reads
    classifier.py         either of them with a linear layer
    classifier_folder.py  the folder of a trained network

Word vectors:

    skipgram.py           their loss
    vectors_folder.py     the folder of trained word vectors
    vector_file.py        files of word vectors, in the formats of word2vec and GloVe

Networks of transformers:

    model_folder.py       the files of a folder in `spec.model.from`
    library_network.py    what all of them have in common
    pretrained.py         those that judge a text or its tokens
    pretrained_folder.py  the folder of a trained one
    seq2seq.py            those that write a text
    seq2seq_folder.py     the folder of a trained one
    written_tokens.py     which tokens they may write
    untrained.py          what of them is not trained

For all:

    init_weights.py       initial weights, from the seed and each tensor's name

Nothing here knows about ranks, datasets or checkpoints.
"""
