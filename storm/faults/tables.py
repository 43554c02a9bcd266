"""DynamoDB that throttles, or writes without its answer arriving."""

from __future__ import annotations

from localcloud.faults import Effect, PlannedFault, Point
from storm.faults.fault import Fault, PlanFault


def throttled() -> Fault:
    """Calls of the workflow and of functions are throttled."""
    of_workflow = PlannedFault(
        point=Point.TASK,
        effect=Effect.FAIL,
        subject="dynamodb:",
        values={"error": "DynamoDB.ProvisionedThroughputExceededException"},
        times=3 * PlanFault.MOST,
        probability=0.6,
    )
    of_functions = PlannedFault(
        point=Point.REQUEST,
        effect=Effect.REFUSE,
        subject="role dynamodb ",
        values={"status": 400, "code": "ProvisionedThroughputExceededException"},
        times=PlanFault.MOST,
        probability=0.6,
    )
    return PlanFault(
        name="DynamoDB throttled",
        point="calls of the workflow and of functions",
        planned=(of_workflow, of_functions),
        hold_seconds=3,
    )


def answer_lost() -> Fault:
    """The write happens, and the workflow is told that the connection failed."""
    planned = PlannedFault(
        point=Point.TASK,
        effect=Effect.LOSE,
        subject="dynamodb:(putItem|updateItem)",
        values={"error": "DynamoDB.SdkClientException"},
        times=2 * PlanFault.MOST,
        probability=0.5,
    )
    return PlanFault(
        name="DynamoDB write whose answer is lost", point="PutItem and UpdateItem of the workflow", planned=(planned,)
    )
