"""Trains a small recurrent language model on the bytes of Python's standard library, with `llmtrain.train`."""

import argparse
import hashlib
import sysconfig
from pathlib import Path

import torch
from torch import Tensor, nn
from torch.nn import functional

import llmtrain


class Letters(nn.Module):
    """A byte-level language model: embedding, GRU, linear output layer."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.embedding = nn.Embedding(256, width)
        self.recurrent = nn.GRU(width, width, batch_first=True)
        self.output = nn.Linear(width, 256)

    def forward(self, bytes_BL: Tensor) -> Tensor:
        """Return the logits (B, L, 256) of the next byte at each position."""
        logits: Tensor = self.output(self.recurrent(self.embedding(bytes_BL))[0])
        return logits


def read_windows(length: int) -> Tensor:
    """Return the text as windows (N, length + 1) of bytes."""
    directory = Path(sysconfig.get_paths()["stdlib"])
    text = b"".join(path.read_bytes() for path in sorted(directory.glob("*.py")))
    return torch.frombuffer(bytearray(text), dtype=torch.uint8).unfold(0, length + 1, length)


def main() -> None:
    """Train, and save the model on one rank."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--width", type=int, default=64)
    parser.add_argument("--length", type=int, default=64)
    options = parser.parse_args()
    windows_NM = read_windows(options.length)
    model = Letters(options.width)

    def loss(samples: list[int]) -> tuple[Tensor, int]:
        bytes_BM = windows_NM[samples].long().to(model.output.weight.device)
        logits_BLV, targets_BL = model(bytes_BM[:, :-1]), bytes_BM[:, 1:]
        return functional.cross_entropy(
            logits_BLV.flatten(0, 1), targets_BL.flatten(), reduction="sum"
        ), targets_BL.numel()

    result = llmtrain.train(model, num_samples=len(windows_NM), loss=loss)
    if result.is_main_process:
        torch.save(model.state_dict(), result.output_dir / "letters.pt")
        weights = b"".join(weight.detach().cpu().numpy().tobytes() for weight in model.parameters())
        print(f"wrote letters.pt; sha256 of the weights: {hashlib.sha256(weights).hexdigest()}")


if __name__ == "__main__":
    main()
