"""Training through changes of membership.

    coordinator.py  what is asked of the coordinator, over HTTP
    place.py        who this rank is
    stopping.py     SIGTERM and SIGINT
    joining.py      asking for a place in the next generation
    pulse.py        heartbeats, and whether the generation still holds
    reporter.py     progress, sent when there is time
    group.py        collectives of one generation, which never hang on a dead peer
    rank.py         the rank stage: one trainer process
    child.py        one trainer process, as its supervisor sees it
    spare.py        the same, as it sees itself until it is needed
    watch.py        whether a rank gets on
    supervisor.py   the worker stage: the trainer processes of one pod

The coordinator decides who takes part; these find it out, and act on it.
"""
