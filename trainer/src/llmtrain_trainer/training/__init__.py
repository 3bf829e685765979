"""One step and what surrounds it.

    shares.py      which microbatches a rank computes
    tree.py        the order in which their gradients are added
    ranks.py       what a step asks of the other ranks
    reduction.py   gradients of all ranks to their sum, exactly or fast
    tally.py       loss, tokens and wishes of all ranks
    noise.py       random numbers of a microbatch
    schedule.py    the learning rate of a step
    parameters.py  all weights in one buffer, gradients in others
    adamw.py       the optimizer
    state.py       the state of any training, and one step of it
    learner.py     the same for our own network, on a dataset
    numerics.py    what bits depend on beside the job
    handover.py    the state of the rank ahead for all others
    evaluation.py  held-out loss while training
    chips.py       what a chip can do at best
    pace.py        tokens a second, and which steps are logged
    loop.py        the loop of one generation

Nothing here knows of HTTP or of processes.
"""
