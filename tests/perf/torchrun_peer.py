"""The peer of test_torchrun.py: a minimal DDP program; every rank prints one line per step."""

import os
import time

import torch
from torch import distributed
from torch.nn.parallel import DistributedDataParallel

torch.set_num_threads(1)
distributed.init_process_group("gloo")
model = DistributedDataParallel(torch.nn.Linear(256, 256))
optimizer = torch.optim.AdamW(model.parameters())
step = 0
while True:
    optimizer.zero_grad()
    model(torch.randn(64, 256)).square().mean().backward()
    optimizer.step()
    step += 1
    print(f"step {step} rank {os.environ['RANK']} pid {os.getpid()} time {time.time():.3f}", flush=True)
    time.sleep(0.05)
