"""Checkpoints on the job's volume: safetensors files by parameter name, and a manifest with their checksums.

    checkpointable.py   the interface of a state that can be saved and restored
    checkpointer.py     saves the state: a snapshot while the next step computes, then a request to the writer
    writer_protocol.py  the messages between rank and writer
    writer.py           the process that writes, while training continues
    manifest.py         the description of a checkpoint, and its verification
    history.py          losses and scores by step, which a checkpoint keeps
    identity.py         what a checkpoint depends on, and its comparison with the job that resumes from it
    store.py            the checkpoints of a job: which are complete, the newest one, which ones are kept
    backoff.py          how long a volume that answers with errors is tried again
    fence.py            prevents an older coordinator's ranks from writing
    restore.py          loads the state, at any number of ranks

A checkpoint never changes, and exists completely or not at all.
"""
