"""Tables in the documentation that are generated from the code.

A block in a Markdown file looks like this; `make docs` replaces everything between the two comments:

    <!-- generated: settings -->
    …
    <!-- end of settings -->
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any

import yaml

from components.settings.declared import families, family_limits, transform_settings, transforms
from contract.api import ORDER_ROUTES, ROUTES, Scope
from functions.shared.reasons import REASON_TEXTS, ReasonCode
from policies.pack import policies
from policies.recording import ACCOUNT_ID, REGION, Recording, Resource, run

ROOT = Path(__file__).resolve().parent.parent
# The stack of the tables: prod, with one subscriber to results.
STACK = "prod"
SUBSCRIBER = "subscriber"
WEBHOOKS = json.dumps({"endpoints": {"catalogue": {"url": "https://hooks.example.com/"}}})

# The section of docs/runbook.md for an alarm, by the end of its name; the first match counts.
ALARM_SECTIONS = {
    "api-server-errors": "The API fails or refuses calls",
    "api-client-errors": "The API fails or refuses calls",
    "api-calls-refused": "The API fails or refuses calls",
    "api-p99-latency": "The API fails or refuses calls",
    "api-errors": "The API fails or refuses calls",
    "api-cold-starts": "The API fails or refuses calls",
    "webhooks-dlq-depth": "Webhooks are not delivered",
    "webhooks-stopped": "Webhooks are not delivered",
    "webhook-errors": "Webhooks are not delivered",
    "webhook-cold-starts": "Webhooks are not delivered",
    "orders-given-up": "Orders fail or wait",
    "order-dlq-depth": "Failed orders are not recorded",
    "order-queue-oldest-message": "Orders fail or wait",
    "order-workflow-failed": "Orders fail or wait",
    "order-workflow-timed-out": "Orders fail or wait",
    "fulfil-errors": "Orders fail or wait",
    "failed_order-errors": "Failed orders are not recorded",
    "operator-errors": "The API fails or refuses calls",
    "operator-cold-starts": "The API fails or refuses calls",
    "replay-errors": "The API fails or refuses calls",
    "replay-cold-starts": "The API fails or refuses calls",
    "transform-dlq-depth": "Files fail",
    "validate-dlq-depth": "Files are rejected",
    "delivery-dlq-depth": "Uploads are not noticed",
    f"results-{SUBSCRIBER}-dlq-depth": "A subscriber does not take its results",
    "rule-delivery-failures": "Uploads are not noticed",
    "pipe-stopped": "The pipe has stopped",
    "oldest-message-age": "Files wait or take long",
    "workflow-timed-out": "Files wait or take long",
    "workflow-p99-time": "Files wait or take long",
    "-cold-starts": "Files wait or take long",
    "-throttles": "AWS throttles",
    "-throttled": "AWS throttles",
    "account-concurrency": "AWS throttles",
    "pipe-failures": "Files fail",
    "workflow-failed": "Files fail",
    "-errors": "Files fail",
    "paging": "First five minutes",
}


def settings_table() -> str:
    """Every key of the stack's configuration, as `Pulumi.yaml` declares it."""
    schema = yaml.safe_load((ROOT / "Pulumi.yaml").read_text(encoding="utf-8"))["config"]
    rows = [(f"`{key}`", _default(entry["default"]), entry["description"]) for key, entry in schema.items()]
    return _table(("Key", "Default", "Meaning"), rows)


def declared_settings_table() -> str:
    """Every limit of a family of media types, and every setting of a transform."""
    declared = {f"media.{family}": family_limits(family) for family in families()}
    declared |= {f"transforms.{name}.settings": transform_settings(name) for name in transforms()}
    rows = [
        (f"`{path}.{name}`", _default(schema["default"]), schema["description"])
        for path, settings in declared.items()
        for name, schema in settings.properties.items()
    ]
    return _table(("Key", "Default", "Meaning"), rows)


def reasons_table() -> str:
    """Every code that a file can be rejected with."""
    rows = [(f"`{code}`", _plain(REASON_TEXTS[code].reason), _plain(REASON_TEXTS[code].hint)) for code in ReasonCode]
    return _table(("Code", "What it says", "What to do"), rows)


def rules_table() -> str:
    """Every rule of the policy pack."""
    return _table(("Rule", "Requirement"), [(f"`{rule.name}`", rule.description) for rule in policies()])


def authorization_table() -> str:
    """What the API answers on each route to a token with one scope, and to the owner of another file.

    `tests/e2e/test_api_authorization.py` asks the API for every cell.
    """
    rows = []
    for route, scopes in {**ROUTES, **ORDER_ROUTES}.items():
        asks = {scope: "yes" if not scopes or scope in scopes else "403" for scope in Scope}
        if "/operations/" in route:
            asks[Scope.READ] = "403"
        others = {scope: "404" if answer == "yes" else answer for scope, answer in asks.items()}
        if asks[Scope.OPERATE] == "yes":
            others[Scope.OPERATE] = "yes"
        foreign = ", ".join(others[scope] for scope in Scope) if "{" in route else ""
        rows.append((f"`{route}`", "401" if scopes else "yes", *(asks[scope] for scope in Scope), foreign))
    scopes_named = [f"`{scope}`" for scope in Scope]
    return _table(("Route", "No token", *scopes_named, "Another caller's, in this order"), rows)


def roles_table() -> str:
    """Who can assume each role."""
    rows = []
    for role in _by_name(_program().of_type("Role")):
        (statement,) = json.loads(role.inputs["assumeRolePolicy"])["Statement"]
        source = statement["Condition"].get("ArnLike", {}).get("aws:SourceArn")
        on_behalf_of = _code(source) if source else "any resource of the account"
        rows.append((_code(role.inputs["name"]), _code(statement["Principal"]["Service"]), on_behalf_of))
    return _table(("Role", "Assumed by", "On behalf of"), rows)


def permissions_table() -> str:
    """The permissions of each role, one line each, with the reason."""
    return _permissions(_grants(_program()))


def scan_permissions_table() -> str:
    """Additional permissions of roles when uploads are scanned for malware."""
    usual = _grants(_program())
    return _permissions([grant for grant in _grants(_program(malwareScan=True)) if grant not in usual])


def webhook_permissions_table() -> str:
    """Additional permissions of a stack with webhooks."""
    usual = _grants(_program())
    return _permissions([grant for grant in _grants(_program(webhooks=WEBHOOKS)) if grant not in usual])


def scan_denials_table() -> str:
    """The statements by which the ingest bucket denies access except to the scanner, when uploads are scanned."""
    recording = _program(malwareScan=True)
    policy = recording.one("BucketPolicy", bucket=recording.outputs["ingestBucket"])
    rows = [
        (f"`{statement['Sid']}`", "<br>".join(map(_code, statement["Action"])), _code(_conditions(statement)))
        for statement in json.loads(policy.inputs["policy"])["Statement"]
        if "ArnNotEquals" in statement["Condition"]
    ]
    return _table(("Statement", "Denies", "Condition"), rows)


def _conditions(statement: Mapping[str, Any]) -> str:
    """The conditions of a denial, without the one that excepts the scanner."""
    return ", ".join(
        f"{operator} {key} {value}"
        for operator, tests in statement["Condition"].items()
        if operator != "ArnNotEquals"
        for key, value in tests.items()
    )


def _grants(recording: Recording) -> list[tuple[str, str, str, str]]:
    """(role, action, resource, why) of every permission."""
    reasons = {
        (outputs["role_name"], sid): why
        for outputs in recording.component_outputs.values()
        for sid, why in outputs.get("why", {}).items()
    }
    return [
        (policy.inputs["role"], action, resource, reasons[policy.inputs["role"], statement["Sid"]])
        for policy in sorted(recording.of_type("RolePolicy"), key=lambda policy: policy.inputs["role"])
        for statement in json.loads(policy.inputs["policy"])["Statement"]
        if statement["Effect"] == "Allow"
        for resource in statement["Resource"]
        for action in statement["Action"]
    ]


def _permissions(grants: Iterable[tuple[str, str, str, str]]) -> str:
    rows = [(*map(_code, grant[:3]), grant[3]) for grant in grants]
    return _table(("Role", "Action", "Resource", "Why"), rows)


def resource_policies_table() -> str:
    """Which services a resource policy allows, and on behalf of which resource."""
    rows = []
    recording = _program()
    for policy in (*recording.of_type("QueuePolicy"), *recording.of_type("TopicPolicy")):
        for statement in json.loads(policy.inputs["policy"])["Statement"]:
            if statement["Effect"] == "Allow":
                conditions = {key: value for each in statement["Condition"].values() for key, value in each.items()}
                named = (statement["Resource"], statement["Principal"]["Service"], *statement["Action"])
                rows.append([*map(_code, named), _code(conditions["aws:SourceArn"])])
    return _table(("Resource", "Allows", "Action", "On behalf of"), sorted(rows))


def alarms_table() -> str:
    """Every alarm: whether it pages and is essential, its meaning, first command, and section in the runbook."""
    recording = _program(webhooks=WEBHOOKS)
    essential = _program(webhooks=WEBHOOKS, monitoring="essential").outputs["alarmNames"]
    paging = recording.one("CompositeAlarm")
    rows = []
    for alarm in [paging, *_by_name(recording.of_type("aws:cloudwatch/metricAlarm:MetricAlarm"))]:
        full_name = alarm.inputs.get("name") or alarm.inputs["alarmName"]
        name = full_name.removeprefix(f"img-pipeline-{STACK}-")
        meaning, _, command = alarm.inputs["alarmDescription"].partition("\nNext: ")
        pages = "pages" if alarm is paging or f'"{full_name}"' in paging.inputs["alarmRule"] else ""
        section = next(title for ending, title in ALARM_SECTIONS.items() if name.endswith(ending))
        link = f"[{section}](#{section.lower().replace(' ', '-')})"
        # The stack's name is in the variable that the commands of `img-pipeline` read.
        command = command.replace(f"img-pipeline-{STACK}-", "img-pipeline-$IMG_PIPELINE_STACK-")
        marks = f"{pages}, essential".strip(", ") if full_name in essential else pages
        rows.append((f"`{name}`", marks, meaning, f"`{command}`", link))
    return _table(("Alarm", "", "Meaning", "First command", "Then"), rows)


BLOCKS: Mapping[str, Callable[[], str]] = {
    "settings": settings_table,
    "declared-settings": declared_settings_table,
    "reasons": reasons_table,
    "rules": rules_table,
    "authorization": authorization_table,
    "roles": roles_table,
    "permissions": permissions_table,
    "scan-permissions": scan_permissions_table,
    "webhook-permissions": webhook_permissions_table,
    "scan-denials": scan_denials_table,
    "resource-policies": resource_policies_table,
    "alarms": alarms_table,
}


def documents() -> Iterable[Path]:
    """The Markdown files that may hold generated blocks."""
    return (ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md")))


def regenerated(text: str) -> str:
    """The text with every generated block up to date.

    Raises:
        KeyError: a block has a name that nothing generates.
    """
    return re.sub(
        r"(<!-- generated: (\S+) -->\n).*?(<!-- end of \2 -->)",
        lambda block: f"{block[1]}{BLOCKS[block[2]]()}\n{block[3]}",
        text,
        flags=re.DOTALL,
    )


@cache
def _program(**settings: object) -> Recording:
    """The resources of the program, with the layer for this machine, which is quicker to build."""
    return run(STACK, {"layerTarget": "host", "resultSubscribers": {SUBSCRIBER: {}}, **settings})


def _by_name(resources: Iterable[Resource]) -> list[Resource]:
    return sorted(resources, key=lambda resource: resource.inputs["name"])


def _code(text: str) -> str:
    """A name or ARN, with ACCOUNT and REGION in place of their values."""
    return f"`{text.replace(ACCOUNT_ID, 'ACCOUNT').replace(REGION, 'REGION')}`"


def _default(value: object) -> str:
    """A default, as in `pulumi config set` or a stack file."""
    if isinstance(value, str):
        return f"`{value}`" if value else "empty"
    if isinstance(value, list | dict) and not value:
        return "none"
    if isinstance(value, list):
        return "<br>".join(_default(item) for item in value)
    if isinstance(value, dict):
        return ", ".join(f"`{name}: {_scalar(item)}`" for name, item in value.items())
    return f"`{_scalar(value)}`"


def _scalar(value: object) -> str:
    return value if isinstance(value, str) else json.dumps(value)


def _plain(text: str) -> str:
    """A wording with its placeholders as an ellipsis."""
    return re.sub(r"\{[^}]*\}", "…", text)


def _table(headings: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = [headings, ["---"] * len(headings), *([cell.replace("|", "\\|") for cell in row] for row in rows)]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)
