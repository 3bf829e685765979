"""A program finds what torchrun would tell it."""

import socket

from llmtrain_api.protocol import Member, Membership
from llmtrain_trainer.user_program.torchrun import reserve_port
from llmtrain_trainer.user_program.torchrun_env import torchrun_environment


def membership(*places: tuple[int, int]) -> Membership:
    members = [
        Member(
            worker=worker, local_rank=rank, incarnation=f"{worker}.{rank}", address=f"10.0.0.{worker}", store_port=4000
        )
        for worker, rank in places
    ]
    return Membership(generation=3, members=members)


def test_it_is_who_it_is_among_the_members() -> None:
    environment = torchrun_environment(membership((0, 0), (0, 1), (2, 0), (2, 1)), "2.1", run_id="uid")
    assert (
        environment
        | {
            "RANK": "3",
            "WORLD_SIZE": "4",
            "LOCAL_RANK": "1",
            "LOCAL_WORLD_SIZE": "2",
            "GROUP_RANK": "1",
            "GROUP_WORLD_SIZE": "2",
            "MASTER_ADDR": "10.0.0.0",
            "MASTER_PORT": "4000",
            "TORCHELASTIC_RUN_ID": "uid",
            "TORCHELASTIC_RESTART_COUNT": "2",
        }
        == environment
    )


def test_local_ranks_have_no_holes_where_a_process_is_missing() -> None:
    environment = torchrun_environment(membership((0, 1), (0, 3)), "0.3", run_id="uid")
    assert (environment["LOCAL_RANK"], environment["LOCAL_WORLD_SIZE"]) == ("1", "2")


def test_a_reserved_port_is_nobody_elses_but_the_programs() -> None:
    with reserve_port() as reserved, socket.socket() as store:
        store.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        store.bind(("0.0.0.0", reserved.getsockname()[1]))
        store.listen()
