"""Grafana dashboards, declared as data and encoded as the JSON that Grafana reads.

    dashboard.py  the parts of a dashboard
    job.py        one job, for its user
    cluster.py    all jobs and pools, for the platform team
    node.py       nodes, their GPUs and their pods
    operator.py   the operator
    grafana.py    encodes dashboards with Grafana's own SDK

`make render` writes the JSON into the chart. The first row of each dashboard is *Health*: red or orange means a problem.
"""
