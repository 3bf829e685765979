"""`llmtrain report`: a page about a training, from what Prometheus was told meanwhile.

history.py     when the training was, and what it told
recoveries.py  its recoveries, and what they cost
charts.py      what is drawn of it
page.py        one HTML file that needs nothing else
"""
