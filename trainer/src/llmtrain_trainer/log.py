"""The trainer's name for the log that all programs share; see `llmtrain_api.jsonlog`."""

from llmtrain_api.jsonlog import JsonLog
from llmtrain_api.timestamps import now_rfc3339

Log = JsonLog
timestamp = now_rfc3339
