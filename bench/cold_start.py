"""One cold start, in an interpreter of its own: cold_start.py FUNCTION ADDRESS SERVICES PATH…

Imports the function's handler, or boto3, Pillow and Powertools if FUNCTION is "-", from the paths; makes a client of
each service; calls each once at the address, where every call is refused. Prints {"wallSeconds", "cpuSeconds"}.

`bench.sections.cold_start` runs it without the project and without installed packages, as Lambda runs a function.
"""

import importlib
import json
import os
import sys
import time

CALLS = {
    "cloudwatch": ("describe_alarms", {}),
    "dynamodb": ("get_item", {"TableName": "jobs", "Key": {"jobId": {"S": "1"}}}),
    "logs": ("describe_log_groups", {}),
    "pipes": ("describe_pipe", {"Name": "pipe"}),
    "s3": ("get_object", {"Bucket": "ingest", "Key": "uploads/photo.jpg"}),
    "secretsmanager": ("get_secret_value", {"SecretId": "keys"}),
    "sns": ("publish", {"TopicArn": "arn:aws:sns:eu-west-1:123456789012:results", "Message": "done"}),
    "sqs": ("receive_message", {"QueueUrl": "https://sqs.eu-west-1.amazonaws.com/123456789012/queue"}),
}


def maker(function):
    """Import what is measured; a function that makes a client."""
    if function != "-":
        importlib.import_module(f"functions.{function}.handler")
        return importlib.import_module("functions.shared.aws").client
    for module in ("boto3", "aws_lambda_powertools", "PIL.Image"):
        importlib.import_module(module)
    return sys.modules["boto3"].client


def main(function, address, services, *paths):
    """Start, and print."""
    sys.path[:] = [*paths[:-1], *sys.path[1:], paths[-1]]
    os.environ |= {
        "AWS_ENDPOINT_URL": address,
        "AWS_REGION": "eu-west-1",
        "AWS_DEFAULT_REGION": "eu-west-1",
        "AWS_ACCESS_KEY_ID": "key",
        "AWS_SECRET_ACCESS_KEY": "secret",
        "AWS_SESSION_TOKEN": "token",
    }
    started, cpu_started = time.perf_counter(), time.process_time()
    make = maker(function)
    clients = {service: make(service) for service in services.split(",")}
    for service, client in clients.items():
        operation, parameters = CALLS[service]
        try:
            getattr(client, operation)(**parameters)
        except client.exceptions.ClientError:
            continue
        raise SystemExit(f"{service}: the call was not refused")
    used = {"wallSeconds": time.perf_counter() - started, "cpuSeconds": time.process_time() - cpu_started}
    print(json.dumps(used))


if __name__ == "__main__":
    main(*sys.argv[1:])
