"""Grafana dashboards, as data and as the JSON that Grafana reads.

    board.py     what a dashboard consists of
    job.py       for the person who trains
    cluster.py   for the platform team
    node.py      a node, its GPUs and its pods
    operator.py  for whoever runs the operator
    grafana.py   from data to Grafana's JSON, by Grafana's own SDK

`make render` writes the JSON into the chart. The first row of each answers at a glance whether all is well.
"""
