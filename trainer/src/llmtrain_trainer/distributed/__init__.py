"""The ranks of a generation: how they meet, stay in touch and communicate.

    rank_identity.py       who this rank is
    coordinator_client.py  the HTTP client of the coordinator
    rendezvous.py          joining the next generation
    heartbeat.py           heartbeats, and whether the generation still holds
    collectives.py         the collectives that a step needs, as a protocol
    process_group.py       the same over a network, in a way that never hangs on a lost peer

The coordinator decides who takes part; see `llmtrain_api.protocol`.
"""
