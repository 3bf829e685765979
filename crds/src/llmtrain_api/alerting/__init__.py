"""Prometheus' recording rules and alerts over the catalogue's metrics.

    rule.py       what a recording rule and an alert are
    recording.py  series that are worth computing once
    hardware.py   those of GPUs, memory and network by pod, job and LLMCluster
    dcgm.py       DCGM exporter's metrics under our names
    alerts.py     what somebody should hear of, and what they do then
    hardware_alerts.py  the same about GPUs and nodes
    rendered.py   all of them as a rule file

The chart ships the rule file, and docs/reference/alerts.md is made from the same data: an alert without a runbook can't be written.
"""
