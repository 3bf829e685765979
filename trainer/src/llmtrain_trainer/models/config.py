"""The sizes of the network: a preset, with the job's changes."""

from dataclasses import asdict, dataclass

from llmtrain_api.job import ModelSpec
from llmtrain_api.model_sizes import ModelSizes, heads_are_shared_evenly, sizes_of, width_is_shared_evenly
from llmtrain_trainer.errors import BadInput


@dataclass(frozen=True, kw_only=True)
class GPTConfig(ModelSizes):
    """The sizes of a decoder.

    Their letters in shape suffixes: D width, F hidden, H heads, G kv_heads, K head_width, V vocab_size.
    """

    vocab_size: int

    @property
    def head_width(self) -> int:
        """The size of one attention head (K)."""
        return self.width // self.heads

    @property
    def hidden(self) -> int:
        """Inner size of the feed-forward block (F): 8/3 of the width, rounded up to a multiple of 32 (Shazeer 2020)."""
        return -(-self.width * 8 // 3 // 32) * 32


def config_for(spec: ModelSpec, vocab_size: int) -> GPTConfig:
    """Return the sizes that `spec` asks for. BadInput if they do not fit together.

    The rules of a job refuse such sizes too, but an earlier version may have accepted the job.
    """
    config = GPTConfig(**asdict(sizes_of(spec)), vocab_size=vocab_size)
    if not width_is_shared_evenly(config):
        raise BadInput(
            f"spec.model.width: {config.width} can't be shared evenly by {config.heads} heads of even size; "
            f"take a multiple of {2 * config.heads}"
        )
    if not heads_are_shared_evenly(config):
        raise BadInput(f"spec.model.kvHeads: {config.kv_heads} doesn't divide the {config.heads} heads; take a divisor")
    return config
