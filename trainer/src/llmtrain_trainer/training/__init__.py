"""One step and what surrounds it.

    shares.py      which microbatches a rank computes
    schedule.py    the learning rate of a step
    parameters.py  all weights in one buffer, all gradients in another
    adamw.py       the optimizer
    learner.py     the state of the training, and one step of it
    evaluation.py  held-out loss while training
    pace.py        tokens a second, and which steps are logged
    loop.py        the loop of one generation

Nothing here knows of HTTP or of processes.
"""
