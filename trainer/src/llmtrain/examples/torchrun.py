"""A plain program for torchrun: DistributedDataParallel, with checkpoints of its own. It knows nothing of llmtrain.

It finds RANK, WORLD_SIZE, MASTER_ADDR and MASTER_PORT in its environment, as under torchrun, and goes on from its newest
checkpoint whenever it is started.
"""

import argparse
import os
from pathlib import Path

import torch
from torch import nn
from torch.nn.parallel import DistributedDataParallel


def keep(state: dict[str, object], file: Path) -> None:
    """Write a checkpoint that is there whole or not at all."""
    unfinished = file.with_suffix(".unfinished")
    torch.save(state, unfinished)
    unfinished.rename(file)


def main() -> None:
    """Fit a wave, one step after the other."""
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
    file, begun = options.output / "wave.pt", 0
    if file.exists():
        kept = torch.load(file, map_location=device)
        begun = kept["step"]
        network.load_state_dict(kept["network"])
        optimizer.load_state_dict(kept["optimizer"])
    print(f"rank {rank} of {size} begins at step {begun}", flush=True)
    for step in range(begun, options.steps):
        torch.manual_seed(step * size + rank)
        x_BD = torch.randn(32, 8, device=device)
        loss = (model(x_BD) - x_BD.sum(1, keepdim=True).sin()).square().mean()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        if rank == 0 and (step + 1) % 20 == 0:
            keep({"step": step + 1, "network": network.state_dict(), "optimizer": optimizer.state_dict()}, file)
            print(f"step {step + 1}/{options.steps} loss {loss.item():.4f}", flush=True)
    torch.distributed.destroy_process_group()


if __name__ == "__main__":
    main()
