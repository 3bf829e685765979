"""All jobs and pools, for the platform team."""

from llmtrain_dashboards.dashboard import Dashboard, Row, Variable, link, series_panel, stat_panel

CLUSTER = '{llmcluster=~"$llmcluster"}'
JOBS = '{namespace=~"$namespace"}'
TO_JOB = link("This job", "llmtrain-job", "namespace", "training_job")


def pools(metric: str, state: str) -> str:
    """Return the sum of a state over all pools."""
    return f'sum({metric}{{llmcluster=~"$llmcluster", state=~"{state}"}})'


HEALTH = Row(
    title="Is it fine?",
    panels=(
        stat_panel(
            "GPUs allocated",
            "Part of all GPUs that pods hold.",
            "percentunit",
            f"llmcluster:llmtrain_pool_gpus:allocated_ratio{CLUSTER}",
            base="blue",
        ),
        stat_panel(
            "GPUs idle",
            "GPUs that a pod could have and none has.",
            "short",
            pools("llmtrain_pool_gpus", "idle"),
            base="blue",
        ),
        stat_panel(
            "GPUs unhealthy",
            "GPUs that no pod can have.",
            "short",
            pools("llmtrain_pool_gpus", "unhealthy"),
            (1, "red"),
        ),
        stat_panel(
            "Nodes missing",
            "Nodes that are expected and not there, not ready or cordoned.",
            "short",
            pools("llmtrain_pool_nodes", "unready|missing"),
            (1, "red"),
        ),
        stat_panel(
            "Jobs that wait",
            "Jobs without a place.",
            "short",
            'sum(llmtrain_jobs{namespace=~"$namespace", condition="Scheduled", reason!="Scheduled"})'
            " or 0 * sum(llmtrain_operator_leader == 1)",
            (1, "orange"),
        ),
        stat_panel(
            "Alerts",
            "Alerts of llmtrain that fire.",
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
            "Each is in one: allocated to a pod, unhealthy, or idle.",
            "short",
            f"sum by (state) (llmtrain_pool_gpus{CLUSTER})",
            "{{state}}",
            stack=True,
        ),
        series_panel(
            "GPUs by pool",
            "All of each pool.",
            "short",
            f"sum by (pool) (llmtrain_pool_gpus{CLUSTER})",
            "{{pool}}",
            stack=True,
        ),
        series_panel(
            "GPUs by namespace",
            "Those that pods of a namespace hold.",
            "short",
            f"sum by (namespace) (llmtrain_pool_gpus_allocated{CLUSTER})",
            "{{namespace}}",
            stack=True,
        ),
        series_panel(
            "Nodes by state",
            "Of all pools.",
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
            "GPUs busy",
            "Part of the time in which any kernel ran.",
            "percentunit",
            f"llmcluster:llmtrain_gpu_utilization_ratio:avg{CLUSTER}",
            "{{llmcluster}}",
        ),
        series_panel(
            "GPUs busy by job",
            "The same of each job's GPUs.",
            "percentunit",
            f"training_job:llmtrain_gpu_utilization_ratio:avg{JOBS}",
            "{{namespace}}/{{training_job}}",
            link=TO_JOB,
        ),
        series_panel(
            "Memory of nodes",
            "Part that nobody else could have.",
            "percentunit",
            f"llmcluster:llmtrain_node_memory_used_bytes:ratio{CLUSTER}",
            "{{llmcluster}}",
        ),
        series_panel(
            "Network of nodes",
            "Bytes a second that they send.",
            "Bps",
            f"llmcluster:llmtrain_node_network_bytes:rate5m{CLUSTER}",
            "{{llmcluster}}",
        ),
        series_panel(
            "Nodes with an agent",
            "Of each pool.",
            "short",
            f"sum by (pool) (llmtrain_pool_node_info{CLUSTER} * on (node) group_left () max by (node) (llmtrain_agent_gpu_library_info))",
            "{{pool}}",
        ),
    ),
)
TRAININGS = Row(
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
            "Waited for a place",
            "What each job has waited in its life.",
            "s",
            f"llmtrain_job_queued_seconds{JOBS}",
            "{{namespace}}/{{training_job}}",
            link=TO_JOB,
        ),
        series_panel(
            "Goodput",
            "Part of its life in which each job trained.",
            "percentunit",
            f"llmtrain_job_goodput_ratio{JOBS}",
            "{{namespace}}/{{training_job}}",
            link=TO_JOB,
        ),
        series_panel(
            "Tokens a second",
            "Of each job.",
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
            "Claims",
            "Of storage pools, by purpose and phase.",
            "short",
            f"sum by (purpose, phase) (llmtrain_persistentvolumeclaims{JOBS})",
            "{{purpose}}: {{phase}}",
            stack=True,
        ),
        series_panel(
            "Claimed",
            "What bound claims have.",
            "bytes",
            f"sum by (namespace, purpose) (llmtrain_persistentvolumeclaim_size_bytes{JOBS})",
            "{{namespace}}: {{purpose}}",
            stack=True,
        ),
    ),
)

BOARD = Dashboard(
    uid="llmtrain-cluster",
    title="llmtrain / Cluster",
    description="What the pools have, who holds it, and how the jobs do.",
    variables=(
        Variable(name="llmcluster", label="LLMCluster", query="label_values(llmtrain_pool_nodes, llmcluster)"),
        Variable(name="namespace", label="Namespace", query="label_values(llmtrain_jobs, namespace)"),
    ),
    rows=(HEALTH, GPUS, HARDWARE, TRAININGS, VOLUMES),
)
