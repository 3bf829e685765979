"""The contract of llmtrain: what people write, what the parts tell each other, what both are called.

Every other package imports this one; it imports none of them.

    model.py        the base of all types: camelCase outside, frozen, nothing unknown accepted
    names.py        API group, labels, child names, mount points, ports
    job.py          LLMTrainingJob: what one person trains
    job_status.py   its status
    cluster.py      LLMCluster: what a platform team offers
    defaults.py     whether a part of a job is as it is by default
    rules.py        cross-field rules: one sentence, one CEL expression, one Python check
    conditions.py   conditions, reasons and how they are set
    run.py          the run config: what the operator tells the trainer
    outcome.py      what a finished container says of itself
    membership.py   what trainers, coordinator and operator say to each other
    goodput.py      the kinds of seconds in a job's life
    metrics/        the catalogue of metrics, a file for each part that tells them
    alerting/       Prometheus' recording rules and alerts
    generate/       makes docs/reference/metrics.md and docs/reference/alerts.md
    crd.py          makes crds/*.yaml from the types
"""
