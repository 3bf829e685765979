"""What a node's GPUs do, read from NVIDIA's library (NVML).

    driver.py      finds the driver, even if it is installed after the agent starts
    reader.py      all GPUs of the node; re-opens those that were lost
    device.py      one GPU: memory, power, temperature, clocks, throttle reasons, ECC errors
    activity.py    how busy multiprocessors and tensor cores were (Hopper and newer)
    traffic.py     NVLink and PCIe traffic
    xid.py         errors that the driver reports
    mig.py         MIG instances of a GPU
    query.py       queries to NVML, and what an answer means
    gpu_index.py   stable GPU indices
    reading.py     the values of one GPU at one time
    samples.py     readings as metrics
    comparison.py  comparison of readings with nvidia-smi
    check.py       runs the comparison under load, on a machine with a GPU

A value that a GPU does not report is None and has no sample: never a 0 that looks like an idle GPU.
"""
