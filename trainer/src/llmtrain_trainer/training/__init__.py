"""One training step: what is trained, the state, gradients and their exact sum, the optimizer.

    task.py             the interface of what is trained
    gpt_task.py         the built-in network, on a prepared dataset
    train_state.py      weights, optimizer moments and steps done; one step
    flat_parameters.py  all weights in one buffer, gradients in others
    reduction.py        the sum of the gradients of all ranks, exact or fast
    reduction_tree.py   which rank computes which microbatches, and the order in which gradients are added
    step_totals.py      loss, tokens and stop votes of all ranks
    adamw.py            the optimizer
    lr_schedule.py      the learning rate of a step
    determinism.py      random numbers of a microbatch, numerics of a rank
    evaluation.py       held-out loss
    device_timer.py     time that the device spends on a step

Nothing here knows HTTP, processes or checkpoints.
"""
