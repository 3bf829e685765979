"""One training step: what is trained, the state, gradients and their exact sum, the optimizer.

    task.py             the interface of what is trained
    learners.py         which module learns a task
    gpt_task.py         next-token prediction on a prepared text
    labelled_learner.py prepared records, whatever their labels are
    objective.py        what a task learns from them; the tasks are classification.py,
                         regression.py, tagging.py and question_answering.py
    augmented_texts.py  records to train on, with changed words
    masked_language.py  masked tokens of a prepared text
    recommendation.py   the next items of users
    word_vectors.py     vectors of words
    judging.py          rows of numbers for held-out samples, by all ranks together
    train_state.py      weights, optimizer moments and steps done; one step
    flat_parameters.py  all weights in one buffer, gradients in others
    reduction.py        the sum of the gradients of all ranks, exact or fast
    reduction_tree.py   which rank computes which microbatches, and the order in which gradients are added
    step_totals.py      loss, tokens and stop votes of all ranks
    optimizer.py        what an optimizer is; the algorithms are adamw.py, sgd.py and muon.py
    lr_schedule.py      the learning rate of a step
    determinism.py      random numbers of a microbatch, numerics of a rank
    evaluation.py       held-out loss
    device_timer.py     time that the device spends on a step

Nothing here knows HTTP, processes or checkpoints.
"""
