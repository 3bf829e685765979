"""The contract of llmtrain: API types, wire protocol, metrics, alerts, and the code that all programs share.

Every other package imports this one; it imports none of them.

    model.py           base classes and constrained types
    names.py           API group, labels, object names, ports
    job.py             LLMTrainingJob: its spec
    job_status.py      its status
    cluster.py         LLMCluster: compute and storage that a platform team offers
    conditions.py      conditions and their reasons
    rules.py           cross-field rules: error message, CEL expression and Python check
    personal_patterns.py  regular expressions for personal data
    defaults.py        whether a field has its default value, in Python and in CEL
    run_config.py      settings that the operator passes to the trainer
    termination.py     exit codes and termination messages of containers
    protocol.py        messages between trainers, coordinator and operator
    time_ledger.py     the seconds of a job's lifetime by category
    failure_budget.py  how many failures a job tolerates
    quantity.py        Kubernetes quantities
    timestamps.py      instants and durations
    jsonlog.py         structured logs
    events.py          the log events of every program
    parent_death.py    processes that exit with their parent
    environment.py     the environment variables of every program
    metrics/           the catalogue of metrics, one module per exporting program
    alerting/          Prometheus' recording rules and alerts
    generate/          writes CRDs, the rule file and the pages of docs/reference
"""
