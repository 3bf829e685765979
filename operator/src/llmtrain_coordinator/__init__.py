"""The coordinator: the rendezvous of one job's ranks, their heartbeats, and the job's progress.

It serves the protocol of llmtrain_api.protocol.

    members.py       the live processes, by incarnation and by place
    group.py         the group's state: members, generation, progress
    generations.py   how a generation begins, ends and is adopted
    transitions.py   the state machine: join, heartbeat, progress, leave, expire, disconnect, scale
    leases.py        members whose lease has expired
    connections.py   members whose connection closed between two heartbeats
    long_polls.py    requests that are held open until they can be answered
    recovery_log.py  what each recovery cost
    goodput.py       what each second of the job's lifetime was spent on
    snapshot.py      all of it at one moment
    metrics.py       the snapshot as Prometheus metrics
    scrapes.py       how long to wait for the last scrape
    otlp.py          the snapshot over OpenTelemetry's protocol
    http_messages.py who may send which request, and how errors are answered
    server.py        the HTTP server
    __main__.py      the command line

Its state is soft: if the coordinator fails, training continues, and the next coordinator adopts the running generation
from the heartbeats of its members.
"""
