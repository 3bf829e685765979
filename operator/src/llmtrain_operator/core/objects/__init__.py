"""Builders of the Kubernetes objects of a job. Each returns a complete manifest.

pod.py               what all pods have in common
pod_settings.py      which fields of the spec a pod was created with
volumes.py           temporary files, shared memory, claims and what a job mounts
environment.py       variables, and which GPUs a container sees
security_context.py  users, groups and capabilities
placement.py         which nodes a pod can run on
fabric.py            what workers need for the network between the nodes
worker.py            worker pods, and the pods of the stages prepare and publish
coordinator.py       the coordinator's pod and Service
pod_group.py         the PodGroup for gang scheduling
pvc.py               PersistentVolumeClaims of storage pools
run_config.py        the ConfigMap that trainers read
token.py             the Secret with the token of the job
network_policy.py    who may connect to the pods
metadata.py          labels and owner of every object
drift.py             which objects differ from what was applied
"""
