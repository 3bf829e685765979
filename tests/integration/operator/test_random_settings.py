"""CEL on an API server and Python have the same verdict about settings that are drawn at random."""

import pytest

from contract.example_job import job_with
from contract.random_settings import decimal_changes, size_changes
from llmtrain_api.names import GROUP, JOB_PLURAL, VERSION
from llmtrain_cli.job_validation import validation_errors
from support.control_plane import Administrator, RequestFailed, Server

pytestmark = [pytest.mark.apiserver, pytest.mark.timeout(300)]

JOBS = f"/apis/{GROUP}/{VERSION}/namespaces/default/{JOB_PLURAL}"
DECIMALS, SIZES = 150, 300
"""Values of each decimal, and sets of sizes."""


async def test_the_api_server_accepts_what_python_accepts(control_plane: Server) -> None:
    verdicts: list[bool] = []
    async with control_plane.connect() as session:
        admin = Administrator(session)
        for change in (*decimal_changes(DECIMALS, seed=11), *size_changes(SIZES, seed=2)):
            job = job_with(change)
            try:
                await admin.send("POST", f"{JOBS}?dryRun=All&fieldValidation=Strict", job)
                accepted = True
            except RequestFailed:
                accepted = False
            errors = validation_errors(job)
            assert accepted is (not errors), (change, errors)
            verdicts.append(accepted)
    assert min(verdicts.count(True), verdicts.count(False)) > len(verdicts) / 10
