"""The state of the training on a volume: safetensors by tensor name, and a manifest with checksums.

    manifest.py  what a checkpoint says of itself, and whether it is true
    folder.py    the checkpoints of a job: the newest valid one, which ones stay
    claim.py     which of two coordinators' checkpoints these are
    save.py      state to checkpoint: a snapshot, while the next step computes, and an order to the writer
    order.py     what the two say to each other
    writer.py    the process that writes, while the training goes on
    restore.py   checkpoint to state, at any number of ranks

A checkpoint is never changed; it is there whole or not at all.
"""
