"""Scalars for TensorBoard, in event files beside the checkpoints.

    scalars.py     what is told of a step, by tag
    event_file.py  one file of one generation
    recorder.py    writes them in a thread of its own, so that a step never waits for the volume

The first rank writes. Each generation has a file of its own, named so that TensorBoard reads them in their order, and
each says from which step on it replaces those before: steps that are done again are drawn once.
"""
