"""Training through changes of membership: the rank stage, one trainer process.

elastic_trainer.py    joins one generation after the other until the training is finished
train_loop.py         the loop of one generation: steps, evaluation, checkpoints
state_sync.py         brings all ranks of a generation to the newest state
progress_reporter.py  sends progress to the coordinator without delaying a step
throughput.py         tokens per second, and which steps are logged
peak_flops.py         peak FLOP/s of GPU models
"""
