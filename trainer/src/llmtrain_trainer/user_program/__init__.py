"""Programs of the user's own, in place of our network.

    program.py      where the program is, and whether it can run at all
    inside.py       mode Elastic: it runs in the rank's process
    training.py     what `llmtrain.train` does there
    student.py      the state of its training
    checks.py       what a model and a loss must be
    alongside.py    mode Torchrun: it runs as a process beside the rank, in one generation after the other
    environment.py  what torchrun would tell it
    script.py       that process

`program.py`, `alongside.py`, `environment.py` and `script.py` never import torch.
"""
