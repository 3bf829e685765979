"""`python -m llmtrain_operator`: runs the operator, as the Helm chart's Deployment does."""

import asyncio
import json
import logging
import sys
from datetime import UTC, datetime

from llmtrain_operator.shell.run import run
from llmtrain_operator.shell.settings import SettingMissingError, Settings


class JsonLines(logging.Formatter):
    """One JSON object a line, as the other parts log."""

    def format(self, record: logging.LogRecord) -> str:
        """Return `record` as JSON."""
        line = {
            "time": datetime.fromtimestamp(record.created, UTC)
            .isoformat(timespec="milliseconds")
            .replace("+00:00", "Z"),
            "level": record.levelname.lower(),
            "event": record.getMessage(),
            "logger": record.name,
        }
        if record.exc_info:
            line["traceback"] = self.formatException(record.exc_info)
        return json.dumps(line)


def main() -> int:
    """Return the exit code: 0 when stopped, 2 when a setting is missing."""
    try:
        settings = Settings.read()
    except SettingMissingError as missing:
        print(f"llmtrain operator: {missing}", file=sys.stderr)
        return 2
    handler = logging.StreamHandler(sys.stdout)
    handler.setFormatter(JsonLines())
    logging.basicConfig(level=settings.log_level, handlers=[handler])
    logging.getLogger("kopf").setLevel(logging.WARNING)
    logging.getLogger("aiohttp.access").setLevel(logging.WARNING)
    asyncio.run(run(settings))
    return 0


if __name__ == "__main__":
    sys.exit(main())
