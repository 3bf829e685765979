"""The `llmtrain` command: validates and runs job files without a cluster, and reads the telemetry of jobs on one.

__main__.py          the subcommands, their options, and the exit codes
errors.py            the errors of the command line
kubernetes_yaml.py   reads YAML as kubectl does
job_file.py          reads a job file: which of its documents are jobs
job_validation.py    validates a job; every error names its field
validate.py          `llmtrain validate`
logs.py              `llmtrain logs`
run.py               `llmtrain run`: the stages of one run on this machine
local_fields.py      fields of a job without effect on this machine
local_environment.py the variables of a job
fixed_settings.py    the settings that the results of a run depend on
workspace.py         the files of a run, and what the next run of the job reads from them
process.py           one child process: its log, its termination message, its exit status
local_supervisor.py  restarts the coordinator and the workers within the job's failure budget
status_poller.py     polls the coordinator's status
display.py           shows it: a progress bar, or plain lines
summary.py           the result of a run
server_url.py        a URL that can hold credentials
prometheus.py        a client of Prometheus' query API
top/                 `llmtrain top`
report/              `llmtrain report`
mlflow_export.py     `llmtrain mlflow`
"""
