"""The state of the training on a volume: safetensors by tensor name, and a manifest with checksums.

    manifest.py  what a checkpoint says of itself, and whether it is true
    folder.py    the checkpoints of a job: the newest valid one, which ones stay
    save.py      state to checkpoint
    restore.py   checkpoint to state, at any number of ranks

A checkpoint is never changed; it is there whole or not at all.
"""
