"""`python -m llmtrain_operator`: runs the operator, as the Helm chart's Deployment does."""

import asyncio
import logging
import sys

from llmtrain_api.jsonlog import JsonFormatter
from llmtrain_operator.shell.run import run
from llmtrain_operator.shell.settings import SettingMissingError, Settings


def main() -> int:
    """Run the operator; return the exit code: 0 when it was stopped, 2 when a setting is missing."""
    try:
        settings = Settings.read()
    except SettingMissingError as missing:
        print(f"llmtrain operator: {missing}", file=sys.stderr)
        return 2
    handler = logging.StreamHandler(sys.stdout)
    handler.setFormatter(JsonFormatter())
    logging.basicConfig(level=settings.log_level, handlers=[handler])
    logging.getLogger("kopf").setLevel(logging.WARNING)
    logging.getLogger("aiohttp.access").setLevel(logging.WARNING)
    asyncio.run(run(settings))
    return 0


if __name__ == "__main__":
    sys.exit(main())
