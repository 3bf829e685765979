"""The trainer: turns text into tokens, tokens into a model, and the model into files that other libraries load.

Each process runs one stage; `python -m llmtrain_trainer --help` lists them. Upper layers import lower ones:

    __main__.py          the command line
    user_program/        jobs that run the user's own program in place of the built-in network
    stages/              the prepare and publish stages
    trainer/             the rank stage: elastic training, from rendezvous to progress reports
    worker/              the worker stage: the supervisor of a pod's rank processes
    training/            one training step, its optimizer and schedule, evaluation
    checkpoint/          saving and restoring the training state on a volume
    tensorboard/         scalars in event files beside the checkpoints
    distributed/         rendezvous, heartbeats and collectives of a generation
    models/              the built-in network
    data/                text, tokenizer, tokens, sampler
    outcomes.py          exit codes and termination messages
    errors.py            the tree of errors
    atomic_directory.py  directories that are written completely or not at all
    fault_points.py      named points at which tests inject faults

`data/`, `checkpoint/store.py`, `worker/` and the modules of this level do not import torch, which takes seconds.
"""
