"""Saved CloudWatch Logs Insights queries over the logs of the functions and the workflow."""

from collections.abc import Mapping

from components.blocks.function import Function
from components.blocks.monitoring import SavedQuery
from components.blocks.state_machine import StateMachine


def saved_queries(functions: Mapping[str, Function], state_machine: StateMachine) -> list[SavedQuery]:
    """The queries; a name describes the result."""
    all_functions = tuple(function.log_group_name for function in functions.values())
    # A transform may reject a file too, as that of tables does.
    deciding = tuple(function.log_group_name for name, function in functions.items() if name != "erase")
    workflow = (state_machine.log_group_name,)
    return [
        SavedQuery(
            name="one-file",
            log_group_names=all_functions,
            query="fields @timestamp, service, outcome, durationMs, executionName, traceId\n"
            "| filter fileKey = 'uploads/REPLACE-ME.jpg'\n| sort @timestamp asc",
        ),
        SavedQuery(
            name="errors-by-cause",
            log_group_names=all_functions,
            query="filter level = 'ERROR'\n"
            "| stats count(*) as failures, latest(fileKey) as example by service, outcome\n| sort failures desc",
        ),
        SavedQuery(
            name="rejections-by-reason",
            log_group_names=deciding,
            query="filter level = 'INFO' and outcome != 'ACCEPTED' and outcome != 'COMPLETED'\n"
            "| stats count(*) as files, latest(fileKey) as example by outcome, service\n| sort files desc",
        ),
        SavedQuery(
            name="slowest-files",
            log_group_names=all_functions,
            query="filter ispresent(durationMs)\n"
            "| stats max(durationMs) as slowest_ms, sum(durationMs) as total_ms by fileKey, executionName\n"
            "| sort slowest_ms desc\n| limit 50",
        ),
        SavedQuery(
            name="cold-starts",
            log_group_names=all_functions,
            query="filter ispresent(coldStart)\n"
            "| stats count(*) as calls, sum(coldStart) as cold, pct(durationMs, 99) as p99_ms by service, bin(1h)",
        ),
        SavedQuery(
            name="failed-executions",
            log_group_names=workflow,
            query="filter type in ['ExecutionFailed', 'ExecutionTimedOut', 'ExecutionAborted']\n"
            "| fields @timestamp, execution_arn, details.error, details.cause\n| sort @timestamp desc",
        ),
    ]
