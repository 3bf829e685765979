"""Prometheus' recording rules and alerts over the catalogue's metrics.

    rule.py       what a recording rule and an alert are
    recording.py  series that are worth computing once
    alerts.py     what somebody should hear of, and what they do then
    rendered.py   all of them as a rule file

The chart ships the rule file, and docs/alerts.md is made from the same data: an alert without a runbook can't be written.
"""
