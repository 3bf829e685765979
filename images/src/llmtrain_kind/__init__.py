"""Makes, reuses and deletes the local Kubernetes cluster, always through `kind`.

`python -m llmtrain_kind up` gives a real three-node cluster. Where a container
engine can pull images, kind's stock node image is used; elsewhere the node image is
built from packages (Debian's, and Kubernetes as Go modules). See `__main__.py` for
the verbs.
"""
