"""The scalars that TensorBoard shows of a step."""

from collections.abc import Mapping
from types import MappingProxyType

from llmtrain_api.protocol import Progress

TAGS: Mapping[str, str] = MappingProxyType(
    {
        "train/loss": "loss",
        "train/learning_rate": "learning_rate",
        "train/gradient_norm": "gradient_norm",
        "speed/tokens_per_second": "tokens_per_second",
        "speed/mfu": "mfu",
    }
)
"""Fields of Progress, by tag."""
EVALUATION = "evaluation/loss"
"""Tag of the held-out loss, which belongs to the evaluated step."""


def scalars(progress: Progress) -> dict[str, float]:
    """Return the scalars that are known after this step, by tag."""
    known = {tag: getattr(progress, name) for tag, name in TAGS.items()}
    return {tag: float(number) for tag, number in known.items() if number is not None}
