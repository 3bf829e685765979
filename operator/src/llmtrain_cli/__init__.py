"""The `llmtrain` command: the same job files without a cluster.

__main__.py    the subcommands
errors.py      how a command ends otherwise than well
job_file.py    reads a job file; every fault is a sentence that names its field
validate.py    `llmtrain validate`
logs.py        `llmtrain logs`
run.py         `llmtrain run`: the story of one run on this machine
folder.py      where a run keeps its files, and what it remembers
process.py     one child process: its log, its outcome, its end
crew.py        coordinator and workers, kept alive within the job's recovery budget
watch.py       asks the coordinator how far the training is
display.py     shows that: a progress bar, or plain lines
summary.py     what came of it
address.py     an address with a login in it
order.py       names with numbers in them, in order
prometheus.py  asks a Prometheus server
top/           `llmtrain top`
report/        `llmtrain report`
tracking.py    `llmtrain mlflow`
"""
