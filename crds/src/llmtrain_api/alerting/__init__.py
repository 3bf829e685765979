"""Recording rules and alerts for Prometheus, over the metrics of the catalogue.

    rule.py             types of a recording rule and an alert
    recording.py        recording rules of jobs and pools
    hardware.py         recording rules of GPUs, CPU, memory and network, by pod, job and LLMCluster
    dcgm.py             recording rules that map DCGM exporter's metrics to llmtrain's
    alerts.py           all alerts; those of jobs, pools and the operator are declared here
    hardware_alerts.py  alerts of GPUs, nodes and links

generate/rule_file.py makes the chart's rule file from them, and generate/reference_docs.py the runbook in
docs/reference/alerts.md. An alert cannot be declared without its runbook.
"""
