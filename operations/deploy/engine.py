"""Deploys this program with Pulumi's engine, from the command line or from a program of your own.

>>> from operations.deploy.engine import deploy
>>> result = deploy("dev", config={"maxBytes": 20_971_520}, secrets={"alertHttpsEndpoints[0]": pager_url})
>>> print(result.outputs["ingestBucket"])

The program runs in this interpreter through Pulumi's Automation API, so the `pulumi` CLI is all that must be installed;
backend, secrets provider and AWS credentials are those that the CLI itself would use.
"""

from __future__ import annotations

import contextlib
import runpy
import tempfile
import time
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from pulumi.automation import (
    CommandError,
    ConcurrentUpdateError,
    EngineEvent,
    LocalWorkspace,
    OutputMap,
    Stack,
    StackNotFoundError,
    UpResult,
)

from client.errors import PipelineError
from operations.deploy.changes import Change, EventLog, Failure, refused
from operations.deploy.pulumi_cli import PulumiCli
from operations.deploy.region import require_region
from operations.deploy.settings_file import with_settings
from program.stack_file import StackConfigError, read_yaml

PROJECT_DIRECTORY = Path(__file__).resolve().parents[2]

# Replaces a secret value, as in Pulumi's own output.
MASK = "[secret]"

# What the CLI says when the attributes that a file backend keeps beside a stack's state are empty. The state itself is
# replaced in one step, those are written in place: a kill in between leaves none of them.
CUT_OFF = "failed to load checkpoint: EOF"

OnEvent = Callable[[EngineEvent], None]


@dataclass(frozen=True, kw_only=True)
class Engine:
    """How Pulumi is run; the defaults suit this program and the caller's own environment.

    Attributes:
        directory: where `Pulumi.yaml` and `__main__.py` are.
        pulumi: the CLI; the one on PATH unless given.
        environment: variables for the CLI and its plugins beside the caller's, such as PULUMI_BACKEND_URL.
        secrets_provider: encrypts the secrets of a stack that is created, for example `awskms://alias/pulumi`.
        policy_packs: folders of policy packs that every preview and deployment must satisfy.
        on_event: called with every event of the engine, from another thread.
    """

    directory: Path = PROJECT_DIRECTORY
    pulumi: PulumiCli = field(default_factory=PulumiCli)
    environment: Mapping[str, str] = field(default_factory=dict)
    secrets_provider: str | None = None
    policy_packs: Collection[Path] = ()
    on_event: OnEvent | None = None


@dataclass(frozen=True, kw_only=True)
class DeploymentResult:
    """What a preview found, or what a deployment did.

    Attributes:
        stack: the stack's name.
        operation: preview, deploy, destroy or refresh.
        applied: whether anything was changed; False for a preview and for a deployment that was not confirmed.
        changes: the resources that differ, each once.
        unchanged: how many do not.
        failures: why it failed, if it did.
        warnings: what the engine, the provider or an advisory policy warned of.
        outputs: after a deployment, the stack's outputs by name, secrets included.
        seconds: how long it took.
    """

    stack: str
    operation: str
    applied: bool
    changes: tuple[Change, ...]
    unchanged: int
    failures: tuple[Failure, ...] = ()
    warnings: tuple[str, ...] = ()
    outputs: Mapping[str, Any] = field(default_factory=dict, repr=False)
    seconds: float


class DeploymentFailed(PipelineError):
    """The engine, the provider, a policy or the program itself reported an error; the message names the resource."""

    def __init__(self, result: DeploymentResult) -> None:
        first, *others = result.failures
        more = f" (and {len(others)} more)" if others else ""
        super().__init__(f"{result.operation} of {result.stack} failed: {first}{more}")
        self.result = result


class DeploymentRefused(PipelineError):
    """The deployment would delete or replace stateful resources, which was not allowed; nothing was changed."""

    def __init__(self, preview: DeploymentResult, refused_changes: Collection[Change]) -> None:
        names = ", ".join(f"{change.operation} {change.type} {change.name}" for change in refused_changes)
        options = " ".join(sorted({f"--allow-{change.operation} {change.type}" for change in refused_changes}))
        super().__init__(
            f"nothing was changed: {preview.stack} would lose state ({names}). Move or copy the data first; "
            f"then allow it with {options}, or by URN"
        )
        self.preview = preview
        self.refused = tuple(refused_changes)


def preview(
    stack: str,
    *,
    config: Mapping[str, object] | None = None,
    secrets: Mapping[str, str] | None = None,
    engine: Engine | None = None,
) -> DeploymentResult:
    """Preview what a deployment would change; neither the backend nor the stack's own file is written to.

    Args:
        stack: the stack's name, as `pulumi stack ls` shows it.
        config: settings to lay over `Pulumi.{stack}.yaml`, by key (namespace `img-pipeline` unless the key has one).
        secrets: the same for secret values, by path (`alertHttpsEndpoints[0]`).
        engine: how Pulumi is run.

    Raises:
        DeploymentFailed: the program cannot be deployed as it is; `.result` holds every failure.
        PipelineError: the CLI, the backend or the stack is not there.
    """
    engine = engine or Engine()
    opened = _open(stack, engine)
    _require_region(stack, engine, config)
    with _settings(opened, engine, config or {}, secrets or {}) as settings_file:
        return _preview(opened, engine, settings_file)


def deploy(
    stack: str,
    *,
    config: Mapping[str, object] | None = None,
    secrets: Mapping[str, str] | None = None,
    allow: Collection[str] = (),
    confirm: Callable[[DeploymentResult], bool] | None = None,
    engine: Engine | None = None,
) -> DeploymentResult:
    """Preview, refuse what would lose state, then create or update the stack.

    Args:
        stack: the stack's name; one that does not exist yet is created.
        config: settings to lay over `Pulumi.{stack}.yaml`, by key. They are written there after the preview.
        secrets: the same for secret values, by path; they are stored encrypted.
        allow: URNs and type tokens of stateful resources that may be deleted or replaced.
        confirm: called with the preview before anything is changed; None to continue without asking.
        engine: how Pulumi is run.

    Raises:
        DeploymentRefused: something stateful would be deleted or replaced; nothing was changed.
        DeploymentFailed: the preview or the deployment failed; `.result` has what was done until then.
        PipelineError: the CLI, the backend or the stack is not there.
    """
    engine = engine or Engine()
    _require_region(stack, engine, config)
    opened = _open(stack, engine, create=True)
    with _settings(opened, engine, config or {}, secrets or {}) as settings_file:
        found = _preview(opened, engine, settings_file)
        if not _may_proceed(found, allow, confirm):
            return found
        if config or secrets:
            _settings_path(opened, engine).write_text(settings_file.read_text(encoding="utf-8"), encoding="utf-8")
    return _run(
        opened,
        engine,
        "deploy",
        lambda on_event: opened.up(on_event=on_event, policy_packs=_policy_packs(engine), show_secrets=False),
    )


def destroy(
    stack: str,
    *,
    allow: Collection[str] = (),
    confirm: Callable[[DeploymentResult], bool] | None = None,
    engine: Engine | None = None,
) -> DeploymentResult:
    """Delete everything in the stack, under the same rules as `deploy`; the empty stack and its history are kept."""
    engine = engine or Engine()
    opened = _open(stack, engine)
    found = _run(opened, engine, "preview", lambda on_event: opened.preview_destroy(on_event=on_event))
    if not _may_proceed(found, allow, confirm):
        return found
    return _run(opened, engine, "destroy", lambda on_event: opened.destroy(on_event=on_event, show_secrets=False))


def refresh(
    stack: str, *, confirm: Callable[[DeploymentResult], bool] | None = None, engine: Engine | None = None
) -> DeploymentResult:
    """Find what was changed outside Pulumi, and write it to its state; no resource is changed."""
    engine = engine or Engine()
    opened = _open(stack, engine)
    found = _run(opened, engine, "preview", lambda on_event: opened.preview_refresh(on_event=on_event))
    if confirm and not confirm(found):
        return found
    return _run(opened, engine, "refresh", lambda on_event: opened.refresh(on_event=on_event, show_secrets=False))


def stack_outputs(stack: str, *, show_secrets: bool = True, engine: Engine | None = None) -> dict[str, Any]:
    """The stack's outputs by name; empty for one that was never deployed.

    Args:
        stack: the stack's name.
        show_secrets: whether secret values are there too, or `[secret]` in their place.
        engine: how Pulumi is run.

    Raises:
        PipelineError: the CLI, the backend or the stack is not there.
    """
    opened = _open(stack, engine or Engine())
    with _in_one_line(stack):
        outputs = opened.outputs()
    return {name: MASK if output.secret and not show_secrets else output.value for name, output in outputs.items()}


class _Workspace(LocalWorkspace):
    """A workspace that does not change which stack the user has selected."""

    def select_stack(self, stack_name: str) -> None:
        self._run_pulumi_cmd_sync(["stack", "--stack", stack_name])

    def create_stack(self, stack_name: str) -> None:
        provider = ["--secrets-provider", self.secrets_provider] if self.secrets_provider else []
        self._run_pulumi_cmd_sync(["stack", "init", stack_name, "--no-select", *provider])


def _open(stack: str, engine: Engine, *, create: bool = False) -> Stack:
    def program() -> None:
        runpy.run_path(str(engine.directory / "__main__.py"), run_name="__main__")

    settings = engine.directory / _settings_name(stack)
    if settings.exists():
        try:
            read_yaml(settings)
        except StackConfigError as error:
            raise PipelineError(str(error)) from None
    workspace = _Workspace(
        work_dir=str(engine.directory),
        program=program,
        env_vars=dict(engine.environment),
        secrets_provider=engine.secrets_provider,
        pulumi_command=engine.pulumi,
    )
    with _in_one_line(stack):
        return (Stack.create_or_select if create else Stack.select)(stack, workspace)


def _require_region(stack: str, engine: Engine, config: Mapping[str, object] | None) -> None:
    try:
        require_region(engine.directory / _settings_name(stack), config or {}, engine.environment)
    except StackConfigError as error:
        raise PipelineError(str(error)) from None


def _preview(opened: Stack, engine: Engine, settings_file: Path) -> DeploymentResult:
    return _run(
        opened,
        engine,
        "preview",
        lambda on_event: opened.preview(
            on_event=on_event,
            policy_packs=_policy_packs(engine),
            config_file=str(settings_file),
        ),
    )


def _run(
    opened: Stack, engine: Engine, operation: str, act: Callable[[Callable[[EngineEvent], None]], object]
) -> DeploymentResult:
    """Run one operation of the engine and return its result."""
    log = EventLog()
    started = time.monotonic()

    def note(event: EngineEvent) -> None:
        log.note(event)
        if engine.on_event:
            engine.on_event(event)

    failures: tuple[Failure, ...] = ()
    outputs: OutputMap = {}
    try:
        answer = act(note)
        outputs = answer.outputs if isinstance(answer, UpResult) else {}
    except ConcurrentUpdateError:
        raise PipelineError(_locked(opened.name)) from None
    except CommandError as error:
        failures = log.failures or (Failure(urn="", message=_error_of(error)),)
    applied = operation != "preview"
    if not applied and log.unnamed_changes:
        raise PipelineError(
            f"pulumi plans {log.unnamed_changes} deletions or replacements that its events do not name: "
            "install the CLI in the version of this project's Pulumi SDK"
        )
    result = DeploymentResult(
        stack=opened.name,
        operation=operation,
        applied=applied,
        changes=log.changes,
        unchanged=log.unchanged,
        failures=failures,
        warnings=tuple(log.warnings),
        outputs={name: output.value for name, output in outputs.items()},
        seconds=time.monotonic() - started,
    )
    if failures:
        raise DeploymentFailed(result)
    return result


def _may_proceed(
    found: DeploymentResult, allow: Collection[str], confirm: Callable[[DeploymentResult], bool] | None
) -> bool:
    if losses := refused(found.changes, allow):
        raise DeploymentRefused(found, losses)
    return confirm is None or confirm(found)


@contextlib.contextmanager
def _settings(
    opened: Stack, engine: Engine, config: Mapping[str, object], secrets: Mapping[str, str]
) -> Iterator[Path]:
    """A private copy of the stack's settings file with these values in it, which the CLI may write to.

    The values reach the CLI through this file and its standard input, never as arguments, which every user of the
    machine can read.
    """
    original = _settings_path(opened, engine)
    text = original.read_text(encoding="utf-8") if original.exists() else ""
    project = opened.workspace.project_settings().name
    qualified = {key if ":" in key else f"{project}:{key}": value for key, value in config.items()}
    # mkdtemp makes a folder that only this user can enter.
    with tempfile.TemporaryDirectory(prefix="img-pipeline-settings-") as folder:
        copy = Path(folder) / original.name
        copy.write_text(with_settings(text, qualified), encoding="utf-8")
        for path, value in secrets.items():
            command = ["config", "set", path, "--path", "--secret", "--raw", "--config-file", str(copy)]
            with _in_one_line(opened.name):
                engine.pulumi.run_with_input(
                    [*command, "--stack", opened.name], str(engine.directory), engine.environment, value
                )
        yield copy


def _settings_path(opened: Stack, engine: Engine) -> Path:
    return engine.directory / _settings_name(opened.name)


def _settings_name(stack: str) -> str:
    """The name of a stack's settings file; an organization and a project before the stack's name are not part of it."""
    return f"Pulumi.{stack.rsplit('/', 1)[-1]}.yaml"


def _policy_packs(engine: Engine) -> list[str] | None:
    return [str(path) for path in engine.policy_packs] or None


@contextlib.contextmanager
def _in_one_line(stack: str) -> Iterator[None]:
    """Turn an error of the CLI into one line."""
    try:
        yield
    except StackNotFoundError:
        raise PipelineError(
            f"there is no stack {stack} on this backend: `img-pipeline deploy --stack {stack}` creates it"
        ) from None
    except ConcurrentUpdateError:
        raise PipelineError(_locked(stack)) from None
    except CommandError as error:
        message = _error_of(error)
        if message == CUT_OFF:
            message += (
                f" (a killed deployment leaves {stack}.json.attrs empty on a file backend: delete it, "
                "see 'A deployment was killed' in docs/runbook.md)"
            )
        raise PipelineError(f"pulumi: {message}") from None


def _locked(stack: str) -> str:
    return (
        f"another update of {stack} is in progress, or one was killed: "
        f"if none is, remove its lock with `pulumi cancel --stack {stack}`"
    )


def _error_of(error: CommandError) -> str:
    """The error in the CLI's output."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip() and line.strip() != "stderr:"]
    errors = [line.removeprefix("stderr: ") for line in lines if "error: " in line]
    return (errors or lines)[-1].partition("error: ")[-1] or lines[-1]
