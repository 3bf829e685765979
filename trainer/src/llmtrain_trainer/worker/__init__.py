"""The worker stage: pid 1 of a worker pod, and its side of the rank processes.

    supervisor.py    starts, watches, restarts and stops the ranks of a pod
    rank_process.py  one rank process, seen from the supervisor
    spare.py         a rank process before it has a rank
    watchdog.py      detects a rank that hangs
    stop_signal.py   SIGTERM, SIGINT and SIGHUP in a rank process
    rank_context.py  what a rank process has from its start to its end

Nothing here imports torch, so the supervisor starts at once and stays small.
"""
