"""The trained model, for others.

    publish.py  the publish stage: final evaluation, export, sample
    sample.py   text the model goes on with

It reads the newest checkpoint and nothing else of the training.
"""
