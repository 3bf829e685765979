"""Changes of a job that has started: of each immutable field, and of fields that can change."""

from contract.example_job import OWN, UNDER_TORCHRUN, Edit

EDITS: tuple[Edit, ...] = (
    Edit(field="cluster", change={"spec.cluster": "other"}),
    Edit(field="image", change={"spec.image": "example.org/trainer:2"}),
    Edit(field="entrypoint", change={"spec.entrypoint": {"script": "other.py"}}, before=OWN),
    Edit(field="model", change={"spec.model.layers": 3}),
    Edit(field="data", change={"spec.data.heldOutPercent": 10}),
    Edit(field="training", change={"spec.training.steps": 400}),
    Edit(field="checkpoint", change={"spec.checkpoint.everySteps": 50}),
    Edit(field="evaluation", change={"spec.evaluation.everySteps": 50}),
    Edit(field="workers.gpus", change={"spec.workers.gpus": 1}),
    Edit(field="workers.resources", change={"spec.workers.resources": {"cpu": "2", "memory": "2Gi"}}),
    Edit(field="scheduling", change={"spec.scheduling.priorityClassName": "high"}),
    Edit(field="securityContext", change={"spec.securityContext": {"runAsUser": 1000}}),
    Edit(field="recovery.gracePeriodSeconds", change={"spec.recovery.gracePeriodSeconds": 600}),
    Edit(
        field="recovery.silentSeconds",
        change={"spec.recovery.silentSeconds": 600},
        before=UNDER_TORCHRUN,
    ),
    Edit(field="recovery.hangSeconds", change={"spec.recovery.hangSeconds": 60}),
)
"""An edit of each immutable field. `task` has only one value and cannot be edited."""

ALLOWED_EDITS: tuple[Edit, ...] = (
    Edit(field="workers.replicas", change={"spec.workers.replicas": 3}),
    Edit(field="workers.pools", change={"spec.workers.pools": ["h200"]}),
    Edit(field="suspend", change={"spec.suspend": True}),
    Edit(field="recovery.rules", change={"spec.recovery.rules": [{"exitCodes": [3], "action": "Fail"}]}),
    Edit(field="podCleanup", change={"spec.podCleanup": "Never"}),
    Edit(field="workers.env", change={"spec.workers.env": [{"name": "A", "value": "2"}]}),
    Edit(field="pullSecrets", change={"spec.pullSecrets": ["registry"]}),
    Edit(field="recovery", change={"spec.recovery.maxFailures": 20}),
    Edit(field="recovery.nodeSeconds", change={"spec.recovery.nodeSeconds": 120}),
    Edit(field="ttlSecondsAfterFinished", change={"spec.ttlSecondsAfterFinished": 60}),
)
"""Edits of a suspended job that are allowed after the start."""
