"""A program finds the environment variables of torchrun."""

import socket

from llmtrain_api.protocol import Member, Membership
from llmtrain_trainer.user_program.torchrun import reserve_port
from llmtrain_trainer.user_program.torchrun_env import torchrun_environment


def membership(*ranks: tuple[int, int]) -> Membership:
    members = [
        Member(
            worker=worker,
            local_rank=local_rank,
            incarnation=f"{worker}.{local_rank}",
            address=f"10.0.0.{worker}",
            store_port=4000,
        )
        for worker, local_rank in ranks
    ]
    return Membership(generation=3, members=members)


def test_ranks_follow_the_order_of_the_members() -> None:
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


def test_local_ranks_are_consecutive_when_a_process_is_missing() -> None:
    environment = torchrun_environment(membership((0, 1), (0, 3)), "0.3", run_id="uid")
    assert (environment["LOCAL_RANK"], environment["LOCAL_WORLD_SIZE"]) == ("1", "2")


def test_a_program_can_listen_on_its_reserved_port() -> None:
    with reserve_port() as reserved, socket.socket() as store:
        store.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        store.bind(("0.0.0.0", reserved.getsockname()[1]))
        store.listen()
