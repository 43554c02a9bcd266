"""A deployed stack as a library: put files in, follow their jobs, and handle what failed.

>>> from client import Pipeline, aws_clients, read_outputs
>>> outputs = read_outputs(json.loads(subprocess.check_output(["pulumi", "stack", "output", "--json"])))
>>> pipeline = Pipeline(stack="prod", outputs=outputs, client=aws_clients(outputs.region))
>>> upload = pipeline.upload(Path("cat.jpg"), "uploads/cat.jpg")
>>> pipeline.await_jobs([upload], timeout_seconds=60)[upload]["status"]
'COMPLETED'

Dead letters, by cause, and back to where they failed:

>>> from client import SystemClock, find_queue, group, replay, sample
>>> queue = find_queue(pipeline, "transform")
>>> [(cause.cause, cause.count) for cause in group(sample(pipeline, queue).dead_letters)]
[('WatermarkError', 12)]
>>> replay(pipeline, queue, only="WatermarkError", rate=20, clock=SystemClock()).sent
12

Every error of the library is a `PipelineError`; a call that AWS refuses is raised as boto3 raises it. Whatever changes
a stack is written to its audit log first.
"""

from client.api import ApiClient
from client.api_access import ApiAccess, api_access
from client.assets import delete_asset, find_asset
from client.audit import audited
from client.backfill import missing
from client.clients import Clients, aws_clients
from client.dead_letters.archive import export, put_back, read
from client.dead_letters.replaying import purge, replay
from client.dead_letters.sampling import Sample, find, sample
from client.dead_letters.stack_queues import DeadLetterQueue, dead_letter_queues, find_queue
from client.downloads import download_renditions
from client.errors import ActionFailedError, InvalidRequestError, NotFoundError, PipelineError
from client.ingestion import Backlog, enqueue, pause_ingestion, pipe_state, resume_ingestion, watch_backlog
from client.jobs import find_jobs, follow, newest_jobs
from client.logs import LoggedLine, logs_of_file, logs_of_order
from client.order_trace import OrderTrace, trace_order
from client.orders import find_order, newest_orders, redrive
from client.pipeline import Pipeline, Row, is_finished
from client.rerender import recorded, rerenderings
from client.trace import Trace, trace_file
from client.uploads import LocalFile, Transfer, Upload, find_files, upload_files
from contract.clock import Clock, SystemClock
from contract.dead_letters.causes import DeadLetter, Group, group
from contract.moving import Message, MoveResult, OutgoingMessage, move, send_all
from contract.outputs import StackOutputs, read_outputs
from contract.queues import SqsQueue

__all__ = [
    "ActionFailedError",
    "ApiAccess",
    "ApiClient",
    "Backlog",
    "Clients",
    "Clock",
    "DeadLetter",
    "DeadLetterQueue",
    "Group",
    "InvalidRequestError",
    "LocalFile",
    "LoggedLine",
    "Message",
    "MoveResult",
    "NotFoundError",
    "OrderTrace",
    "OutgoingMessage",
    "Pipeline",
    "PipelineError",
    "Row",
    "Sample",
    "SqsQueue",
    "StackOutputs",
    "SystemClock",
    "Trace",
    "Transfer",
    "Upload",
    "api_access",
    "audited",
    "aws_clients",
    "dead_letter_queues",
    "delete_asset",
    "download_renditions",
    "enqueue",
    "export",
    "find",
    "find_asset",
    "find_files",
    "find_jobs",
    "find_order",
    "find_queue",
    "follow",
    "group",
    "is_finished",
    "logs_of_file",
    "logs_of_order",
    "missing",
    "move",
    "newest_jobs",
    "newest_orders",
    "pause_ingestion",
    "pipe_state",
    "purge",
    "put_back",
    "read",
    "read_outputs",
    "recorded",
    "redrive",
    "replay",
    "rerenderings",
    "resume_ingestion",
    "sample",
    "send_all",
    "trace_file",
    "trace_order",
    "upload_files",
    "watch_backlog",
]
