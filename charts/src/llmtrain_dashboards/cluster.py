"""All jobs and pools, for the platform team."""

from llmtrain_dashboards.dashboard import Dashboard, Row, Variable, link, series_panel, stat_panel

CLUSTER = '{llmcluster=~"$llmcluster"}'
JOBS = '{namespace=~"$namespace"}'
TO_JOB = link("This job", "llmtrain-job", "namespace", "training_job")


def pools(metric: str, state: str) -> str:
    """Return the sum of a state over all pools."""
    return f'sum({metric}{{llmcluster=~"$llmcluster", state=~"{state}"}})'


HEALTH = Row(
    title="Health",
    panels=(
        stat_panel(
            "GPUs allocated",
            "Fraction of all GPUs that are allocated to pods.",
            "percentunit",
            f"llmcluster:llmtrain_pool_gpus:allocated_ratio{CLUSTER}",
            base="blue",
        ),
        stat_panel(
            "GPUs idle",
            "Healthy GPUs that are not allocated to a pod.",
            "short",
            pools("llmtrain_pool_gpus", "idle"),
            base="blue",
        ),
        stat_panel(
            "GPUs unhealthy",
            "GPUs that cannot be allocated.",
            "short",
            pools("llmtrain_pool_gpus", "unhealthy"),
            (1, "red"),
        ),
        stat_panel(
            "Nodes missing",
            "Expected nodes that are missing, not ready or cordoned.",
            "short",
            pools("llmtrain_pool_nodes", "unready|missing"),
            (1, "red"),
        ),
        stat_panel(
            "Jobs waiting",
            "Jobs that are not scheduled.",
            "short",
            'sum(llmtrain_jobs{namespace=~"$namespace", condition="Scheduled", reason!="Scheduled"})'
            " or 0 * sum(llmtrain_operator_leader == 1)",
            (1, "orange"),
        ),
        stat_panel(
            "Alerts",
            "Firing alerts of llmtrain.",
            "short",
            'count(ALERTS{alertname=~"Llmtrain.*", alertstate="firing"}) or vector(0)',
            (1, "red"),
        ),
    ),
)
GPUS = Row(
    title="GPUs and nodes",
    panels=(
        series_panel(
            "GPUs by state",
            "Each GPU has one state: allocated to a pod, unhealthy, or idle.",
            "short",
            f"sum by (state) (llmtrain_pool_gpus{CLUSTER})",
            "{{state}}",
            stack=True,
        ),
        series_panel(
            "GPUs by pool",
            "All GPUs of each pool.",
            "short",
            f"sum by (pool) (llmtrain_pool_gpus{CLUSTER})",
            "{{pool}}",
            stack=True,
        ),
        series_panel(
            "GPUs by namespace",
            "GPUs allocated to the pods of each namespace.",
            "short",
            f"sum by (namespace) (llmtrain_pool_gpus_allocated{CLUSTER})",
            "{{namespace}}",
            stack=True,
        ),
        series_panel(
            "Nodes by state",
            "Nodes of all pools.",
            "short",
            f"sum by (state) (llmtrain_pool_nodes{CLUSTER})",
            "{{state}}",
            stack=True,
        ),
    ),
)
HARDWARE = Row(
    title="Hardware",
    panels=(
        series_panel(
            "GPU utilization",
            "Fraction of time in which a kernel ran.",
            "percentunit",
            f"llmcluster:llmtrain_gpu_utilization_ratio:avg{CLUSTER}",
            "{{llmcluster}}",
        ),
        series_panel(
            "GPU utilization by job",
            "Fraction of time in which a kernel ran, averaged over each job's GPUs.",
            "percentunit",
            f"training_job:llmtrain_gpu_utilization_ratio:avg{JOBS}",
            "{{namespace}}/{{training_job}}",
            link=TO_JOB,
        ),
        series_panel(
            "Node memory",
            "Fraction of memory in use that can't be reclaimed.",
            "percentunit",
            f"llmcluster:llmtrain_node_memory_used_bytes:ratio{CLUSTER}",
            "{{llmcluster}}",
        ),
        series_panel(
            "Node network",
            "Bytes per second that nodes send.",
            "Bps",
            f"llmcluster:llmtrain_node_network_bytes:rate5m{CLUSTER}",
            "{{llmcluster}}",
        ),
        series_panel(
            "Nodes with an agent",
            "Nodes of each pool whose node agent exports metrics.",
            "short",
            f"sum by (pool) (llmtrain_pool_node_info{CLUSTER} * on (node) group_left () max by (node) (llmtrain_agent_gpu_library_info))",
            "{{pool}}",
        ),
    ),
)
JOB_ROW = Row(
    title="Jobs",
    panels=(
        series_panel(
            "Jobs by condition",
            "Each job is counted once, by its current condition and the reason.",
            "short",
            f"sum by (condition, reason) (llmtrain_jobs{JOBS})",
            "{{condition}}: {{reason}}",
            stack=True,
        ),
        series_panel(
            "Time queued",
            "Time that each job has waited to be scheduled, in total.",
            "s",
            f"llmtrain_job_queued_seconds{JOBS}",
            "{{namespace}}/{{training_job}}",
            link=TO_JOB,
        ),
        series_panel(
            "Goodput",
            "Fraction of each job's lifetime spent on training steps, replays excluded.",
            "percentunit",
            f"llmtrain_job_goodput_ratio{JOBS}",
            "{{namespace}}/{{training_job}}",
            link=TO_JOB,
        ),
        series_panel(
            "Tokens per second",
            "Throughput of each job.",
            "short",
            f"llmtrain_job_tokens_per_second{JOBS}",
            "{{namespace}}/{{training_job}}",
            stack=True,
            link=TO_JOB,
        ),
    ),
)
VOLUMES = Row(
    title="Volumes",
    panels=(
        series_panel(
            "PersistentVolumeClaims",
            "Claims of storage pools, by purpose and phase.",
            "short",
            f"sum by (purpose, phase) (llmtrain_persistentvolumeclaims{JOBS})",
            "{{purpose}}: {{phase}}",
            stack=True,
        ),
        series_panel(
            "Claimed capacity",
            "Capacity of bound claims.",
            "bytes",
            f"sum by (namespace, purpose) (llmtrain_persistentvolumeclaim_size_bytes{JOBS})",
            "{{namespace}}: {{purpose}}",
            stack=True,
        ),
    ),
)

DASHBOARD = Dashboard(
    uid="llmtrain-cluster",
    title="llmtrain / Cluster",
    description="Capacity and use of the pools, and the state of all jobs.",
    variables=(
        Variable(name="llmcluster", label="LLMCluster", query="label_values(llmtrain_pool_nodes, llmcluster)"),
        Variable(name="namespace", label="Namespace", query="label_values(llmtrain_jobs, namespace)"),
    ),
    rows=(HEALTH, GPUS, HARDWARE, JOB_ROW, VOLUMES),
)
