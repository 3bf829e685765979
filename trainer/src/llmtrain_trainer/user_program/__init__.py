"""Training with a program of the user's instead of the built-in network.

    program.py         finds the program and checks that it can run
    elastic.py         mode Elastic: the program runs in the rank's process and calls `llmtrain.train`
    train_api.py       the implementation of `llmtrain.train`
    user_task.py       the task of a user's model and loss
    frozen_tensors.py  what training does not change in a user's model, and that it stays the same
    checks.py          the requirements for model and loss
    torchrun.py        mode Torchrun: the program runs as a process beside the rank, once per generation
    torchrun_env.py    the environment variables of torchrun
    process.py         that process

`program.py`, `torchrun.py`, `torchrun_env.py` and `process.py` do not import torch.
"""
