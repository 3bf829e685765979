"""The node agent: what a node, its GPUs and the pods on it do, for Prometheus."""
