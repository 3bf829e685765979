"""What a job takes from its namespace, in local mode, which has none: variables come from the shell, nothing is mounted."""

from collections.abc import Mapping

from llmtrain_api.workers import Workers
from llmtrain_cli.errors import BadInput


def user_environment(workers: Workers, shell: Mapping[str, str]) -> dict[str, str]:
    """Return the variables of `spec.workers.env`; those from Secrets and ConfigMaps have the value of the shell.

    BadInput if the shell does not have one of them.
    """
    found = {}
    for number, variable in enumerate(workers.env):
        if variable.secret is None and variable.config_map is None:
            found[variable.name] = variable.value
        elif variable.name in shell:
            found[variable.name] = shell[variable.name]
        else:
            raise BadInput(
                f"spec.workers.env[{number}]: {variable.name} comes from a Secret or ConfigMap, which local mode does not read; "
                "set the variable in the shell"
            )
    return found
