"""The stages before and after training.

    prepare.py  text to a dataset
    publish.py  the newest checkpoint to an exported model, with its held-out loss and a sample

Each runs as a process of its own and reports its result in the termination message.
"""
