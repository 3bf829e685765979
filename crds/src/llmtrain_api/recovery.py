"""Recovery of a job: which failures are tolerated, and when a rank counts as hung or a node as lost."""

from typing import Annotated

from pydantic import Field

from llmtrain_api.model import Model


class Recovery(Model):
    """How many failures are tolerated before the job fails, and when a rank counts as hung or a node as lost."""

    max_failures: Annotated[int, Field(ge=0, le=1000)] = 10
    """Incidents within the window that the job recovers from; one more fails the job. Failures within 30 seconds, of one node or of one membership generation are one incident. A lower value applies from the next incident on."""
    window_seconds: Annotated[int, Field(ge=1, le=2592000)] = 3600
    """Length of the sliding window in seconds; older incidents no longer count."""
    hang_seconds: Annotated[int, Field(ge=5, le=86400)] = 300
    """Seconds without progress after which a trainer process is killed and replaced. It must exceed the time of one microbatch. Immutable once the job has started."""
    node_seconds: Annotated[int, Field(ge=1, le=3600)] = 40
    """Seconds for which a node must be NotReady before its pods are replaced on other nodes. Pods of a node that no longer exists are replaced at once."""
