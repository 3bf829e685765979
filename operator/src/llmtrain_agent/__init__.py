"""The node agent: what a node, its GPUs and the pods on it do, for Prometheus.

proc.py          what the node uses
infiniband.py    what its InfiniBand ports carried
cgroups.py       what pods use, by their control groups
pods.py          which pods there are, and of which job
podresources.py  which pod holds which device, by the kubelet
gpu/             what each GPU does, by NVML
aside.py         asks who may not answer
collector.py     all of it at one scrape
log.py           one JSON line an event
__main__.py      the command line
"""
