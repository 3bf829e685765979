"""`llmtrain report`: an HTML page about a training, from its series in Prometheus.

history.py     when the training ran, and its series
recoveries.py  its recoveries and their cost
charts.py      the charts of the page
page.py        the page: one HTML file without external resources
"""
