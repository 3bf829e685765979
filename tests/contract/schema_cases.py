"""Jobs that the schema of the CRD rejects, with a part of the API server's message."""

from contract.example_job import OWN, PATH_SOURCE, SOURCE, UNSET, Case
from llmtrain_api.names import MAX_WORKERS

SCHEMA_CASES: tuple[Case, ...] = (
    Case(
        sentence="an invalid module name",
        change={**OWN, "spec.entrypoint": {"module": "train.py; rm"}},
        refusal="spec.entrypoint.module",
    ),
    Case(
        sentence="an unknown mode",
        change={**OWN, "spec.entrypoint": {"script": "train.py", "mode": "MPI"}},
        refusal='spec.entrypoint.mode: Unsupported value: "MPI"',
    ),
    Case(
        sentence="too many arguments",
        change={**OWN, "spec.entrypoint": {"script": "train.py", "arguments": ["x"] * 65}},
        refusal="spec.entrypoint.arguments: Too many",
    ),
    *(
        Case(
            sentence=f"a share of {share} of the words",
            change={"spec.training.augment": {"share": share}},
            refusal="spec.training.augment.share",
        )
        for share in ("0", "0.0", "0.51", "0.501", "0.6", "1", "1e-1", ".1")
    ),
    Case(
        sentence="an unknown field of the spec",
        change={"spec.worker": 2},
        refusal='unknown field "spec.worker"',
    ),
    Case(
        sentence="an unknown field inside a list",
        change={"spec.workers.env": [{"name": "A", "valueFrom": {"secretKeyRef": {"name": "s", "key": "k"}}}]},
        refusal='unknown field "spec.workers.env[0].valueFrom"',
    ),
    *(
        Case(
            sentence=f"a {field} with its key in it",
            change={"spec.workers.env": [{"name": "A", field: {"name": "hub", "key": "token"}}]},
            refusal=f"spec.workers.env[0].{field}",
        )
        for field in ("secret", "configMap")
    ),
    Case(
        sentence="an invalid key of a Secret",
        change={"spec.workers.env": [{"name": "A", "secret": "hub", "key": "a/b"}]},
        refusal="spec.workers.env[0].key",
    ),
    *(
        Case(
            sentence=f"{sentence} as the name of a column",
            change={"spec.data.columns": {key: value}},
            refusal=f"spec.data.columns.{key}",
        )
        for key in ("text", "txt")
        for sentence, value in ((f"nothing ({key})", ""), (f"a number ({key})", 1), (f"a novel ({key})", "a" * 257))
    ),
    Case(
        sentence="a volume of the node",
        change={"spec.workers.mounts": [{"path": "/a", "hostPath": "/"}]},
        refusal='unknown field "spec.workers.mounts[0].hostPath"',
    ),
    Case(
        sentence="a relative mount",
        change={"spec.workers.mounts": [{"path": "data", "claim": "c"}]},
        refusal="spec.workers.mounts[0].path",
    ),
    Case(
        sentence="a mount that leaves its folder",
        change={"spec.workers.mounts": [{"path": "/data/../dev", "claim": "c"}]},
        refusal="spec.workers.mounts[0].path",
    ),
    Case(
        sentence="a folder outside of the volume",
        change={"spec.workers.mounts": [{"path": "/data", "claim": "c", "subPath": "a/../../b"}]},
        refusal="spec.workers.mounts[0].subPath",
    ),
    Case(
        sentence="a part of an extended resource",
        change={"spec.workers.resources.extra": {"rdma/hca": "500m"}},
        refusal="spec.workers.resources.extra.rdma/hca",
    ),
    Case(
        sentence="the user root",
        change={"spec.securityContext": {"runAsUser": 0}},
        refusal="spec.securityContext.runAsUser",
    ),
    Case(
        sentence="privileged containers",
        change={"spec.securityContext": {"privileged": True}},
        refusal='unknown field "spec.securityContext.privileged"',
    ),
    Case(sentence="no training at all", change={"spec.training": UNSET}, refusal="spec.training: Required value"),
    Case(sentence="no spec at all", change={"spec": UNSET}, refusal="spec: Required value"),
    Case(
        sentence="a number written as a string",
        change={"spec.training.steps": "300"},
        refusal='spec.training.steps: Invalid value: "string"',
    ),
    Case(
        sentence="a learning rate written as a number",
        change={"spec.training.optimizer.learningRate": 0.003},
        refusal='spec.training.optimizer.learningRate: Invalid value: "number"',
    ),
    Case(
        sentence="a learning rate that isn't a number",
        change={"spec.training.optimizer.learningRate": "NaN"},
        refusal="spec.training.optimizer.learningRate",
    ),
    Case(
        sentence="a negative learning rate",
        change={"spec.training.optimizer.learningRate": "-1e-3"},
        refusal="spec.training.optimizer.learningRate",
    ),
    Case(sentence="a list instead of a map", change={"spec.workers": []}, refusal="spec.workers: Invalid value"),
    Case(
        sentence="a string instead of a boolean", change={"spec.suspend": "yes"}, refusal="spec.suspend: Invalid value"
    ),
    Case(sentence="no steps", change={"spec.training.steps": 0}, refusal="spec.training.steps"),
    Case(sentence="too many steps", change={"spec.training.steps": 100_000_001}, refusal="spec.training.steps"),
    Case(sentence="negative workers", change={"spec.workers.min": -1}, refusal="spec.workers.min"),
    Case(
        sentence="more workers than the maximum",
        change={"spec.workers.max": MAX_WORKERS + 1},
        refusal="spec.workers.max",
    ),
    Case(sentence="more GPUs than a node has", change={"spec.workers.gpus": 17}, refusal="spec.workers.gpus"),
    Case(
        sentence="memory without a sensible unit",
        change={"spec.workers.resources.memory": "2GB"},
        refusal="spec.workers.resources.memory",
    ),
    Case(
        sentence="an unknown preset",
        change={"spec.model.preset": "huge"},
        refusal='spec.model.preset: Unsupported value: "huge"',
    ),
    Case(
        sentence="a volume that is not an object name",
        change={"spec.checkpoint.volume": "../other"},
        refusal="spec.checkpoint.volume",
    ),
    Case(
        sentence="a path that is too long",
        change={**PATH_SOURCE, f"{SOURCE}.path": "a" * 513},
        refusal="spec.data.source.path: Too long",
    ),
    Case(
        sentence="a source without weight",
        change={**PATH_SOURCE, "spec.data.mixture": {"novels": 0}},
        refusal="spec.data.mixture.novels",
    ),
    Case(
        sentence="a source with too much weight",
        change={**PATH_SOURCE, "spec.data.mixture": {"novels": 1001}},
        refusal="spec.data.mixture.novels",
    ),
    Case(sentence="a mixture of nothing", change={**PATH_SOURCE, "spec.data.mixture": {}}, refusal="spec.data.mixture"),
    Case(
        sentence="a mixture of too many sources",
        change={**PATH_SOURCE, "spec.data.mixture": {f"part-{number}": 1 for number in range(17)}},
        refusal="spec.data.mixture: Too many",
    ),
    Case(
        sentence="too many environment variables",
        change={"spec.workers.env": [{"name": f"V{number}"} for number in range(65)]},
        refusal="spec.workers.env: Too many",
    ),
    Case(
        sentence="too many node labels",
        change={"spec.workers.nodeSelector": {f"label-{number}": "x" for number in range(17)}},
        refusal="spec.workers.nodeSelector: Too many",
    ),
    Case(
        sentence="a variable with an invalid name",
        change={"spec.workers.env": [{"name": "A=B"}]},
        refusal="spec.workers.env[0].name",
    ),
    Case(
        sentence="a rule without an action",
        change={"spec.recovery.rules": [{"exitCodes": [42]}]},
        refusal="spec.recovery.rules[0].action: Required value",
    ),
    Case(
        sentence="a rule for success",
        change={"spec.recovery.rules": [{"exitCodes": [0], "action": "Ignore"}]},
        refusal="spec.recovery.rules[0].exitCodes[0]",
    ),
    Case(sentence="no metric", change={"spec.evaluation.metrics": []}, refusal="spec.evaluation.metrics"),
)
"""Jobs that the schema rejects."""
