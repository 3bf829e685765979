"""Scores of trivial methods on the test parts of the sets: what a trained model has to exceed."""
