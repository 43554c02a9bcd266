"""Every fault of the storm, in the order in which they are injected one by one."""

from __future__ import annotations

from storm.faults import functions, messaging, operators, outside, s3, tables
from storm.faults.fault import Fault


def all_faults() -> list[Fault]:
    """New faults, each to be injected once."""
    return [
        functions.killed("before"),
        functions.killed("during"),
        functions.killed("after"),
        functions.TimedOut(),
        functions.out_of_memory(),
        functions.disk_full(),
        functions.Throttled(),
        functions.BadRelease(),
        s3.slow(),
        s3.unavailable(),
        s3.reset_in_body(),
        s3.rendition_answer_lost(),
        s3.upload_answer_lost(),
        tables.throttled(),
        tables.answer_lost(),
        messaging.sns_failing(),
        messaging.sns_answer_lost(),
        messaging.sns_duplicate(),
        messaging.sqs_duplicate(),
        messaging.sqs_reordered(),
        messaging.sqs_late(),
        messaging.eventbridge_duplicate(),
        messaging.clock_skew(),
        operators.PipeStopped(),
        operators.PermissionRemoved(),
        outside.ReceiverDown(),
        outside.OrdersFailing(),
        outside.CloudRestarted(),
    ]
