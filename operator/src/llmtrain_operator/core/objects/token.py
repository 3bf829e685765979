"""The Secret with a job's token, which the pods that talk to the coordinator mount.

The operator may create Secrets and not read them, so `policies/token_creation.py` decides when it is created.
"""

import base64
from pathlib import PurePosixPath

from llmtrain_api.names import TOKEN_DIRECTORY, TOKEN_FILE, token_secret_name
from llmtrain_operator.core.manifest import Manifest
from llmtrain_operator.core.objects.metadata import child_metadata
from llmtrain_operator.core.objects.volumes import Volume
from llmtrain_operator.core.snapshot import Job

KIND = "Secret"
"""Kind of the objects that the operator may create and not read."""
FILE_NAME = PurePosixPath(TOKEN_FILE).name


def token_secret(job: Job, token: str) -> Manifest:
    """Return the Secret with the token of `job`."""
    return {
        "apiVersion": "v1",
        "kind": KIND,
        "metadata": child_metadata(job, token_secret_name(job.name, job.uid), "token"),
        "immutable": True,
        "type": "Opaque",
        "data": {FILE_NAME: base64.b64encode(token.encode()).decode()},
    }


def token_volume(job: Job) -> Volume:
    """Return the Secret as a volume, which every user of the container can read: the cluster may assign the user."""
    name = token_secret_name(job.name, job.uid)
    source = {"secret": {"secretName": name, "defaultMode": 0o444}}
    return Volume(name="token", source=source, path=TOKEN_DIRECTORY, read_only=True)
