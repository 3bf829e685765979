"""The encoder computes what PyTorch's own encoder does, and padding does not change what it computes."""

import math

import pytest
import torch

from llmtrain_api.model_sizes import EncoderSizes
from llmtrain_trainer.models.encoder import Encoder, positions
from llmtrain_trainer.models.init_weights import init_weights

SIZES = EncoderSizes(layers=2, width=16, heads=4)


def encoder() -> Encoder:
    model = Encoder(SIZES, vocab_size=50)
    init_weights(model, 3, SIZES.layers, embedding_std=model.embedding_std)
    return model


def torch_layer(block: torch.nn.Module) -> torch.nn.TransformerEncoderLayer:
    """Return PyTorch's layer with the weights of one of ours."""
    layer = torch.nn.TransformerEncoderLayer(
        SIZES.width, SIZES.heads, 4 * SIZES.width, dropout=0.0, activation="gelu", batch_first=True, norm_first=True
    )
    parts = {
        "self_attn.in_proj_": "qkv_proj.",
        "self_attn.out_proj.": "o_proj.",
        "linear1.": "up_proj.",
        "linear2.": "down_proj.",
        "norm1.": "attention_norm.",
        "norm2.": "feed_forward_norm.",
    }
    ours = dict(block.named_parameters())
    layer.load_state_dict(
        {f"{theirs}{kind}": ours[f"{name}{kind}"] for theirs, name in parts.items() for kind in ("weight", "bias")}
    )
    return layer


def test_it_computes_what_pytorchs_encoder_does() -> None:
    model = encoder()
    tokens, lengths = (
        torch.randint(50, (3, 9), generator=torch.Generator().manual_seed(1)),
        torch.tensor([9, 4, 1]),
    )
    padding = torch.arange(9) >= lengths[:, None]
    x = model.embed_tokens(tokens) * math.sqrt(SIZES.width) + positions(9, SIZES.width, torch.device("cpu"))
    for block in model.layers:
        x = torch_layer(block)(x, src_key_padding_mask=padding)
    torch.testing.assert_close(model(tokens, lengths)[~padding], model.norm(x)[~padding])


@pytest.mark.parametrize("width", [6, 7])
def test_positions_are_sines_and_cosines(width: int) -> None:
    found = positions(5, width, torch.device("cpu"))
    for position in range(5):
        for column in range(width):
            angle = position / 10000 ** (column // 2 * 2 / width)
            assert found[position, column] == pytest.approx((math.cos if column % 2 else math.sin)(angle), abs=1e-6)
