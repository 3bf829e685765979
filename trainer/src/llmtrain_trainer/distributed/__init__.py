"""The ranks of a generation: rendezvous, heartbeats and communication.

    rank_identity.py       who this rank is
    coordinator_client.py  the HTTP client of the coordinator
    rendezvous.py          joining the next generation
    heartbeat.py           heartbeats, and whether the generation has ended
    collectives.py         the collectives that a step needs, as a protocol
    process_group.py       the same over a network, in a way that never hangs on a lost peer
    guarded_store.py       the stores in which the ranks meet, closed to strangers
    abandoned_groups.py    process groups that lost a peer and can't be destroyed yet

The coordinator decides who takes part; see `llmtrain_api.protocol`.
"""
