"""The catalogue of metrics: every name is declared here once, in the file of the part that tells it."""
