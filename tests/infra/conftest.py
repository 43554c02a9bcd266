"""Each stack is run once; the tests examine the resources that it registered."""

import pytest

from policies.recording import Recording, Resource, run

# Nearly everything that is optional, in one stack: own key, VPC, subscribers with and without filters, webhooks.
FULL = {
    "encryption": "kms",
    "vpc": {
        "vpcId": "vpc-0a1",
        "subnetIds": ["subnet-0a1", "subnet-0a2"],
        "routeTableIds": ["rtb-0a1"],
        "interfaceEndpoints": ["logs", "sqs", "sns", "sync-states", "xray"],
    },
    "resultSubscribers": {
        "catalogue": {"outcomes": ["COMPLETED"], "mediaTypes": ["image/jpeg", "image/png"]},
        "audit": {},
    },
    "alertEmails": ["operators@example.com"],
    "alertHttpsEndpoints": ["https://events.example.com/integration/0123456789abcdef/enqueue"],
    "monthlyBudgetUsd": 500,
    "api": {
        "corsOrigins": ["https://app.example.com"],
        "waf": True,
        "renditions": "signed",
        "callbackHosts": ["hooks.example.com"],
    },
    "webhooks": {"endpoints": {"catalogue": {"url": "https://catalogue.example.com/hooks"}}},
    "accessLogBucketName": "company-access-logs",
    "tags": {"CostCentre": "media"},
}


@pytest.fixture(scope="session")
def dev() -> Recording:
    return run("dev")


@pytest.fixture(scope="session")
def prod() -> Recording:
    return run("prod")


@pytest.fixture(scope="session")
def local() -> Recording:
    return run("local")


@pytest.fixture(scope="session")
def full() -> Recording:
    """prod with every option in use."""
    return run("prod", FULL)


@pytest.fixture(scope="session", params=["prod", "local", "full"])
def monitored(request: pytest.FixtureRequest) -> Recording:
    """Each of the stacks with full monitoring in turn."""
    return request.getfixturevalue(request.param)


@pytest.fixture(scope="session")
def essential() -> Recording:
    """prod with every option in use, but essential monitoring."""
    return run("prod", {**FULL, "monitoring": "essential"})


@pytest.fixture(scope="session", params=["dev", "prod", "local", "full", "essential"])
def recording(request: pytest.FixtureRequest) -> Recording:
    """Each of the stacks in turn."""
    return request.getfixturevalue(request.param)


def function_names(recording: Recording) -> set[str]:
    """The short names of the functions that a recorded stack must have."""
    always = {"validate", "erase", "thumbnail", "watermark", "metadata", "table", "api", "operator", "replay"}
    orders = {"fulfil", "failed_order"}
    return always | orders | ({"webhook"} if recording.outputs["webhooksQueueUrl"] else set())


def state_machine(recording: Recording, role: str = "state-machine") -> Resource:
    """A state machine by the part of its name after img-pipeline-{stack}-, which is the file workflow's by default."""
    return recording.one("aws:sfn/stateMachine:StateMachine", name=f"img-pipeline-{recording.stack}-{role}")
