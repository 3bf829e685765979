"""The node agent: metrics of a node, its GPUs and the pods on it, for Prometheus.

proc.py             the node's CPU, memory, disks and network
infiniband.py       its InfiniBand and RoCE ports
cgroups.py          what each pod uses, from its control groups
pods.py             the node's pods and their jobs, from the API server
podresources.py     which pod owns which device, from the kubelet
gpu/                what each GPU does, from NVML
attribution.py      which pod each GPU is attributed to
background_call.py  calls that can block, with a timeout
collector.py        all sources in one scrape
__main__.py         the command line
"""
