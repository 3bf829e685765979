"""The trained model, for others.

    publish.py  the publish stage: final evaluation, export, sample
    sample.py   text the model goes on with
"""
