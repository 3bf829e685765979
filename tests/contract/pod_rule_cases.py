"""Jobs that the rules about pods accept or reject, with the error message."""

from contract.example_job import OWN, Case

TOKEN = {"name": "A", "secret": "hub.example", "key": "token"}
MOUNTS = "spec.workers.mounts"

POD_RULE_CASES: tuple[Case, ...] = (
    Case(
        sentence="a variable of the user",
        change={"spec.workers.env": [{"name": "NCCL_DEBUG", "value": "INFO"}]},
    ),
    Case(
        sentence="a variable with the reserved prefix",
        change={"spec.workers.env": [{"name": "LLMTRAIN_JOB", "value": "other"}]},
        refusal="spec.workers.env must not set variables with the reserved prefix LLMTRAIN_",
    ),
    Case(
        sentence="variables from a Secret and a ConfigMap",
        change={"spec.workers.env": [TOKEN, {"name": "B", "configMap": "logging", "key": "level"}]},
    ),
    Case(
        sentence="a variable with a value and a Secret",
        change={"spec.workers.env": [{**TOKEN, "value": "x"}]},
        refusal="spec.workers.env must have at most one of value, secret and configMap",
    ),
    Case(
        sentence="a variable from a Secret and a ConfigMap",
        change={"spec.workers.env": [{**TOKEN, "configMap": "logging"}]},
        refusal="spec.workers.env must have at most one of value, secret and configMap",
    ),
    *(
        Case(
            sentence=f"a variable {sentence}",
            change={"spec.workers.env": [TOKEN, {"name": "B", **fields}]},
            refusal="spec.workers.env must have key for each variable with secret or configMap, and for no other",
        )
        for sentence, fields in (
            ("from a Secret without a key", {"secret": "hub"}),
            ("from a ConfigMap without a key", {"configMap": "logging"}),
            ("with a value and a key", {"value": "x", "key": "token"}),
            ("with a key of nothing", {"key": "token"}),
        )
    ),
    Case(
        sentence="all keys of a Secret, and those of a ConfigMap with a prefix",
        change={"spec.workers.envFrom": [{"secret": "hub"}, {"configMap": "flags", "prefix": "APP_"}]},
    ),
    Case(
        sentence="variables from nothing",
        change={"spec.workers.envFrom": [{"prefix": "APP_"}]},
        refusal="spec.workers.envFrom must have exactly one of secret and configMap",
    ),
    Case(
        sentence="one mount of each kind",
        change={
            MOUNTS: [
                {"path": "/data", "claim": "pictures", "subPath": "train/v2"},
                {"path": "/results", "claim": "results", "readOnly": False},
                {"path": "/home/me/.ssh", "secret": "key"},
                {"path": "/etc/app", "configMap": "app"},
                {"path": "/nvme", "scratch": "1Ti", "readOnly": False},
                {"path": "/models/base", "image": "registry.example/models/base:1"},
            ]
        },
    ),
    Case(
        sentence="a mount of nothing",
        change={MOUNTS: [{"path": "/data"}]},
        refusal="spec.workers.mounts must have exactly one of claim, secret, configMap, scratch and image",
    ),
    Case(
        sentence="a mount of two volumes",
        change={MOUNTS: [{"path": "/data", "claim": "a", "secret": "b"}]},
        refusal="spec.workers.mounts must have exactly one of claim, secret, configMap, scratch and image",
    ),
    *(
        Case(
            sentence=f"a mount at {path}",
            change={MOUNTS: [{"path": path, "secret": "s"}]},
            refusal="spec.workers.mounts must not have paths in /tmp, ",
        )
        for path in ("/tmp", "/dev/shm", "/volumes/more", "/var/run/secrets/kubernetes.io", "/etc/llmtrain")
    ),
    Case(sentence="a mount beside a reserved path", change={MOUNTS: [{"path": "/tmpfiles", "secret": "s"}]}),
    Case(
        sentence="two mounts at one path",
        change={MOUNTS: [{"path": "/a", "secret": "s"}, {"path": "/b", "claim": "c"}, {"path": "/a", "claim": "c"}]},
        refusal="spec.workers.mounts must have each path once",
    ),
    Case(
        sentence="a writable Secret",
        change={MOUNTS: [{"path": "/a", "secret": "s", "readOnly": False}]},
        refusal="spec.workers.mounts can be writable only for a claim or scratch",
    ),
    Case(
        sentence="shared memory of all the memory",
        change={"spec.workers.sharedMemory": "2048Mi", "spec.workers.resources.memory": "2Gi"},
    ),
    Case(
        sentence="more shared memory than memory",
        change={"spec.workers.sharedMemory": "2049Mi", "spec.workers.resources.memory": "2Gi"},
        refusal="spec.workers.sharedMemory must not be greater than spec.workers.resources.memory",
    ),
    Case(
        sentence="labels and annotations",
        change={
            "spec.workers.labels": {"team": "a", "example.com/cost-center": "7"},
            "spec.workers.annotations": {
                "cluster-autoscaler.kubernetes.io/safe-to-evict": "false",
                "sidecar.istio.io/inject": "false",
            },
        },
    ),
    Case(
        sentence="a label that Kubernetes does not allow",
        change={"spec.workers.labels": {"a b": "x"}},
        refusal="spec.workers.labels must have keys such as team or example.com/team",
    ),
    Case(
        sentence="an annotation that Kubernetes does not allow",
        change={"spec.workers.annotations": {"example.com/" + "a" * 64: "x"}},
        refusal="spec.workers.annotations must have keys such as team or example.com/team",
    ),
    Case(
        sentence="a label of the operator",
        change={"spec.workers.labels": {"llmtrain.dev/job": "other"}},
        refusal="spec.workers.labels must not have keys that begin with llmtrain.dev/",
    ),
    Case(
        sentence="an annotation of the operator",
        change={"spec.workers.annotations": {"llmtrain.dev/term": "7"}},
        refusal="spec.workers.annotations must not have keys that begin with llmtrain.dev/",
    ),
    Case(
        sentence="an annotation that weakens the isolation of containers",
        change={"spec.workers.annotations": {"container.apparmor.security.beta.kubernetes.io/worker": "unconfined"}},
        refusal="spec.workers.annotations must not have keys that begin with llmtrain.dev/",
    ),
    Case(
        sentence="network adapters, hugepages and other accelerators",
        change={
            "spec.workers.resources.extra": {
                "rdma/hca_shared_devices_a": "8",
                "vpc.amazonaws.com/efa": "32",
                "hugepages-2Mi": "5Gi",
                "amd.com/gpu": "8",
            }
        },
    ),
    Case(
        sentence="memory among the extended resources",
        change={"spec.workers.resources.extra": {"memory": "1Gi"}},
        refusal="spec.workers.resources.extra must have names of extended resources",
    ),
    Case(
        sentence="GPUs among the extended resources",
        change={"spec.workers.resources.extra": {"nvidia.com/gpu": "8"}},
        refusal="spec.workers.resources.extra must not have nvidia.com/gpu; use spec.workers.gpus",
    ),
    *(
        Case(
            sentence=f"no {field} in the form {zero}",
            change={f"spec.workers.{field}": zero},
            refusal=f"spec.workers.{field} must be greater than 0, which would be no limit",
        )
        for field in ("resources.cpu", "resources.memory", "resources.scratch", "sharedMemory")
        for zero in ("0", "0.0", "00Gi", "0m")
    ),
    Case(
        sentence="a device of which there is none",
        change={"spec.workers.resources.extra": {"rdma/hca": "0"}},
        refusal="spec.workers.resources.extra must be greater than 0",
    ),
    Case(
        sentence="an empty volume without a size",
        change={MOUNTS: [{"path": "/a", "scratch": "1Gi"}, {"path": "/b", "scratch": "0Gi"}]},
        refusal="spec.workers.mounts[].scratch must be greater than 0",
    ),
    Case(
        sentence="the smallest amounts",
        change={
            "spec.workers.resources": {"cpu": "1m", "memory": "0.01Ki", "scratch": "0.5"},
            "spec.workers.sharedMemory": "1",
        },
    ),
    Case(
        sentence="the owner of an NFS export",
        change={"spec.securityContext": {"runAsUser": 1000, "runAsGroup": 100, "supplementalGroups": [2000]}},
    ),
    Case(sentence="a cluster that assigns users", change={"spec.securityContext": {"assignedBy": "Cluster"}}),
    Case(
        sentence="a user for a cluster that assigns users",
        change={"spec.securityContext": {"assignedBy": "Cluster", "runAsUser": 1000}},
        refusal="spec.securityContext has users and groups, which have no effect with assignedBy Cluster",
    ),
    Case(
        sentence="groups for a cluster that assigns users",
        change={"spec.securityContext": {"assignedBy": "Cluster", "supplementalGroups": [5]}},
        refusal="spec.securityContext has users and groups, which have no effect with assignedBy Cluster",
    ),
    Case(
        sentence="a program with credentials and a service account",
        change={
            **OWN,
            "spec.pullSecrets": ["registry"],
            "spec.serviceAccount": {"name": "trainer", "mountToken": True},
            "spec.workers.runtimeClass": "nvidia",
        },
    ),
)
"""Accepted and rejected jobs for the rules of pod_rules.py."""
