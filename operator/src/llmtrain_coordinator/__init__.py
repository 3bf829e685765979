"""The coordinator: who takes part in one job, and how far it is. Serves the protocol of llmtrain_api.protocol.

    roster.py      what the coordinator knows: seats, the generation, progress
    generation.py  how that changes: join, heartbeat, leave, expire, want, progress
    recoveries.py  what each loss of a member cost
    goodput.py     what every second of the job's life went into
    lease.py       who has been silent for too long
    lines.py       whose connection is closed for good
    polls.py       requests that are held open until they can be answered
    server.py      the same over HTTP
    known.py       all of it at one moment
    metrics.py     the same for Prometheus
    otlp.py        the same for OpenTelemetry, where that is asked for
    log.py         one JSON line an event
    __main__.py    the command line

Its state is soft. Where it dies, the training goes on: the next coordinator takes the running
generation over from the heartbeats of its members.
"""
