"""Scalars for TensorBoard, in event files beside the checkpoints.

    scalars.py     the scalars of a step, by tag
    event_file.py  the event file of one generation
    recorder.py    a thread that writes them, so that a step never waits for the volume

The first rank writes. Each generation has its own file. File names sort in the order of the generations, and each file
declares the step from which it replaces the files before it, so that replayed steps are drawn once.
"""
