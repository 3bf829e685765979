"""What a node's GPUs do, asked of NVIDIA's library (NVML), and told as metrics.

    reading.py   what is known of one GPU at one time
    samples.py   the same as metrics
    answer.py    what an answer of the library means: a value, never one, not now, or a GPU that is gone
    seat.py      which number a GPU keeps
    throttle.py  why clocks are held down
    rate.py      bytes per second off a counter that may wrap
    memory.py    a GPU's memory
    activity.py  how busy multiprocessors and tensor cores were (Hopper and newer)
    traffic.py   bytes over NVLink and PCIe
    xid.py       errors that the driver reports
    mig.py       the parts of a GPU that is divided
    device.py    one GPU: asks all of that
    reader.py    all GPUs of the node
    driver.py    finds the driver, be it later than the agent
    comparison.py  what nvidia-smi says of the same, and how far apart the two may be
    check.py     compares them under load, on a machine that has a GPU

What a GPU doesn't tell is None here and has no sample: never a 0 that looks like an idle GPU.
"""
