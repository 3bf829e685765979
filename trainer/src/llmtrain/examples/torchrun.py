"""A plain program for torchrun: DistributedDataParallel with its own checkpoints, and without any use of llmtrain.

It reads RANK, WORLD_SIZE, MASTER_ADDR and MASTER_PORT from its environment, as under torchrun, and resumes from its
newest checkpoint whenever it starts.
"""

import argparse
import os
from pathlib import Path

import torch
from torch import nn
from torch.nn.parallel import DistributedDataParallel


def save_checkpoint(state: dict[str, object], file: Path) -> None:
    """Write a checkpoint atomically."""
    unfinished = file.with_suffix(".unfinished")
    torch.save(state, unfinished)
    unfinished.rename(file)


def main() -> None:
    """Fit a sine wave, step by step."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--output", type=Path, default=Path(os.environ.get("LLMTRAIN_OUTPUT", ".")))
    parser.add_argument("--steps", type=int, default=int(os.environ.get("LLMTRAIN_STEPS", "100")))
    options = parser.parse_args()
    torch.distributed.init_process_group("nccl" if torch.cuda.is_available() else "gloo")
    rank, size = torch.distributed.get_rank(), torch.distributed.get_world_size()
    device = torch.device("cuda", int(os.environ["LOCAL_RANK"])) if torch.cuda.is_available() else torch.device("cpu")
    torch.manual_seed(0)
    network = nn.Sequential(nn.Linear(8, 64), nn.Tanh(), nn.Linear(64, 1)).to(device)
    model = DistributedDataParallel(network)
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-3)
    file, first_step = options.output / "wave.pt", 0
    if file.exists():
        checkpoint = torch.load(file, map_location=device)
        first_step = checkpoint["step"]
        network.load_state_dict(checkpoint["network"])
        optimizer.load_state_dict(checkpoint["optimizer"])
    print(f"rank {rank} of {size} begins at step {first_step}", flush=True)
    for step in range(first_step, options.steps):
        torch.manual_seed(step * size + rank)
        x_BD = torch.randn(32, 8, device=device)
        loss = (model(x_BD) - x_BD.sum(1, keepdim=True).sin()).square().mean()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        if rank == 0 and (step + 1) % 20 == 0:
            save_checkpoint(
                {"step": step + 1, "network": network.state_dict(), "optimizer": optimizer.state_dict()}, file
            )
            print(f"step {step + 1}/{options.steps} loss {loss.item():.4f}", flush=True)
    torch.distributed.destroy_process_group()


if __name__ == "__main__":
    main()
