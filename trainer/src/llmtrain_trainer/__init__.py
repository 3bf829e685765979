"""The trainer: turns text into tokens, tokens into a model, and a model into files others can load.

One process runs one stage; `python -m llmtrain_trainer --help` lists them.

    __main__.py   the command line
    errors.py     what can go wrong, and what is done about it
    ending.py     how a stage ends: exit code and termination message
    log.py        log lines as JSON
    orphan.py     ends with its parent
    durable.py    folders and files that are there whole or not at all
    data/         text, tokenizer, tokens, order of samples
    models/       the network, its presets and first weights
    training/     one step, its optimizer and schedule, the loop, evaluation
    elastic/      coordinator, generations, collectives, supervisor
    checkpoint/   the state of the training on a volume
    tensorboard/  scalars in event files beside the checkpoints
    own/          programs of the user's own in place of our network
    publish/      export, final evaluation, sample

`data/`, `checkpoint/folder.py`, `elastic/supervisor.py` and this level never import torch, which takes seconds.
"""
