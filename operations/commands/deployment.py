"""`img-pipeline deploy`, `preview`, `destroy`, `refresh` and `outputs`."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import sys
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING, Annotated, Any

import typer
import yaml
from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, MofNCompleteColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn
from rich.table import Table

from client.errors import InvalidRequestError, NotFoundError, PipelineError
from localcloud.announcement import LocalCloud
from operations.commands.console import (
    ask,
    confirmed,
    end_interrupted,
    err,
    interruption_reported,
    out,
    print_json,
    print_table,
)
from operations.commands.options import DEPLOY, JsonOption, LocalOption, StackOption, YesOption
from operations.connection import LOCAL, CloudHere, local_cloud, stack_name

if TYPE_CHECKING:
    from pulumi.automation import EngineEvent

    from operations.deploy.changes import Change
    from operations.deploy.engine import DeploymentResult
    from operations.deploy.pulumi_cli import PulumiCli

REFUSED_STATUS = 3
PROVIDERS = "pulumi:providers:"
# A first deployment creates some hundred resources: by type they fit on a screen.
LISTED_CREATIONS = 20

NOT_PULUMI = (
    "the embedded cloud's own deployer, not Pulumi's engine: it shows that the program runs and its parts fit "
    "together, but it plans nothing, keeps no state and deletes nothing"
)

ConfigFileOption = Annotated[
    Path | None,
    typer.Option(
        "--config-file",
        help="A YAML or JSON file with settings that override the stack's own file; `-` reads it from standard input.",
        show_default=False,
    ),
]
SecretOption = Annotated[
    list[str] | None,
    typer.Option(
        "--secret",
        metavar="KEY[=VARIABLE]",
        help="A secret setting, taken from the environment variable VARIABLE, or else from a prompt (or, a line "
        "each, from standard input). Repeat it for more. The value is never part of the command line.",
        show_default=False,
    ),
]
AllowOption = Annotated[
    list[str] | None,
    typer.Option(
        "--allow-replace",
        "--allow-delete",
        metavar="URN|TYPE",
        help="A stateful resource, or a type of them, that may be deleted or replaced. Repeat it for more.",
        show_default=False,
    ),
]
PolicyOption = Annotated[
    list[Path] | None,
    typer.Option("--policy-pack", metavar="FOLDER", help="A folder with a policy pack to satisfy.", show_default=False),
]

app = typer.Typer()

_SIGNS = {
    "create": "[green]+[/]",
    "update": "[yellow]~[/]",
    "replace": "[magenta]±[/]",
    "delete": "[red]-[/]",
}
_DONE = {"create": "created", "update": "updated", "replace": "replaced", "delete": "deleted"}


@app.command(rich_help_panel=DEPLOY)
def deploy(
    *,
    stack: StackOption = None,
    local: LocalOption = False,
    config_file: ConfigFileOption = None,
    secret: SecretOption = None,
    allow: AllowOption = None,
    policy_pack: PolicyOption = None,
    secrets_provider: Annotated[
        str | None,
        typer.Option(help="The secrets provider of a new stack, as for `pulumi stack init`.", show_default=False),
    ] = None,
    yes: YesOption = False,
    as_json: JsonOption = False,
) -> None:
    """Preview the stack, refuse changes that would lose data, then create or update it.

    Buckets, tables, queues, topics, keys and log groups are never deleted or replaced unless you allow each. Without
    --yes you are asked to confirm; without a terminal, nothing is changed. Settings are kept in
    the stack's own file, secrets encrypted.

    The stack `local` goes into the embedded cloud that `make up` keeps running; no Pulumi CLI is needed for it.

    Exit status: 0 done, 1 failed or not confirmed, 3 refused because data would be lost.

    Example:

    ```
    img-pipeline deploy --stack dev --yes
    img-pipeline deploy --stack prod --config-file prod.yaml --secret 'alertHttpsEndpoints[0]=PAGER_URL'
    ```
    """
    name, (config, secrets) = stack_name(stack, local=local), _config(config_file, secret)
    if name == LOCAL:
        _deploy_here(config | secrets, yes=yes, as_json=as_json)
        return
    from operations.deploy import engine as deployment  # noqa: PLC0415 - Pulumi takes a second to import

    with _watching("deploying", as_json) as watch:
        engine = deployment.Engine(
            pulumi=watch.pulumi,
            policy_packs=policy_pack or (),
            secrets_provider=secrets_provider,
            on_event=watch.on_event,
        )
        confirm = _confirmation(watch, f"Deploy this to {name}?", yes=yes)
        with _reported(watch):
            result = deployment.deploy(
                name, config=config, secrets=secrets, allow=allow or (), confirm=confirm, engine=engine
            )
    _finish(result, as_json)


@app.command(rich_help_panel=DEPLOY)
def preview(
    *,
    stack: StackOption = None,
    config_file: ConfigFileOption = None,
    secret: SecretOption = None,
    policy_pack: PolicyOption = None,
    as_json: JsonOption = False,
) -> None:
    """Show what `deploy` would change, and change nothing.

    Example:

    ```
    img-pipeline preview --stack prod
    echo '{"maxBytes": 20971520}' | img-pipeline preview --stack prod --config-file - --json
    ```
    """
    name = _name_on_aws(stack, "preview")
    from operations.deploy import engine as deployment  # noqa: PLC0415

    config, secrets = _config(config_file, secret)
    with _watching("previewing", as_json) as watch, _reported(watch):
        engine = deployment.Engine(pulumi=watch.pulumi, policy_packs=policy_pack or (), on_event=watch.on_event)
        result = deployment.preview(name, config=config, secrets=secrets, engine=engine)
    _show(result, as_json)


@app.command(rich_help_panel=DEPLOY)
def destroy(
    stack: StackOption = None, allow: AllowOption = None, yes: YesOption = False, as_json: JsonOption = False
) -> None:
    """Delete every resource of the stack; its history and settings are kept.

    Deleting a resource that holds data is refused unless you allow it by resource or type; the message names the
    options to add. Pulumi itself refuses to delete protected resources.

    Example: `img-pipeline destroy --stack dev`
    """
    name = _name_on_aws(stack, "destroy")
    from operations.deploy import engine as deployment  # noqa: PLC0415

    with _watching("destroying", as_json) as watch:
        engine = deployment.Engine(pulumi=watch.pulumi, on_event=watch.on_event)
        confirm = _confirmation(watch, f"Delete all of this in {name}?", yes=yes)
        with _reported(watch):
            result = deployment.destroy(name, allow=allow or (), confirm=confirm, engine=engine)
    _finish(result, as_json)


@app.command(rich_help_panel=DEPLOY)
def refresh(stack: StackOption = None, yes: YesOption = False, as_json: JsonOption = False) -> None:
    """Find manual changes and write them to Pulumi's state; no resource is changed.

    Example: `img-pipeline refresh --stack prod`
    """
    name = _name_on_aws(stack, "refresh")
    from operations.deploy import engine as deployment  # noqa: PLC0415

    with _watching("refreshing", as_json) as watch:
        engine = deployment.Engine(pulumi=watch.pulumi, on_event=watch.on_event)
        confirm = _confirmation(watch, f"Write this to the state of {name}?", yes=yes)
        with _reported(watch):
            result = deployment.refresh(name, confirm=confirm, engine=engine)
    _finish(result, as_json)


@app.command(rich_help_panel=DEPLOY)
def outputs(
    *,
    name: Annotated[
        str | None, typer.Argument(metavar="NAME", help="One output: prints its value alone.", show_default=False)
    ] = None,
    stack: StackOption = None,
    local: LocalOption = False,
    show_secrets: Annotated[bool, typer.Option(help="Print secret values too.")] = False,
    as_json: JsonOption = False,
) -> None:
    """Print the outputs of the deployed stack: names of buckets, queues, tables and functions.

    Example: `aws s3 cp cat.jpg "s3://$(img-pipeline outputs ingestBucket --stack dev)/uploads/cat.jpg"`
    """
    deployed = stack_name(stack, local=local)
    values = _outputs_of(deployed, show_secrets=show_secrets)
    if name is not None:
        if name not in values:
            raise NotFoundError(f"{deployed} has no output {name}: it has {', '.join(sorted(values)) or 'none'}")
        value = values[name]
        typer.echo(value if isinstance(value, str) and not as_json else json.dumps(value))
    elif as_json:
        print_json(dict(sorted(values.items())))
    else:
        cells = []
        for key, value in sorted(values.items()):
            members = value.items() if isinstance(value, dict) else [("", value)]
            for member, inner in sorted(members):
                text = ", ".join(map(str, inner)) if isinstance(inner, list) else str(inner)
                cells.append((f"{key}.{member}" if member else key, escape(text)))
        print_table((), cells)


def _outputs_of(stack: str, *, show_secrets: bool) -> Mapping[str, Any]:
    if stack == LOCAL:
        return local_cloud().outputs
    from operations.deploy import engine as deployment  # noqa: PLC0415

    return deployment.stack_outputs(stack, show_secrets=show_secrets, engine=deployment.Engine())


def _deploy_here(config: Mapping[str, object], *, yes: bool, as_json: bool) -> None:
    """Deploy into the embedded cloud that runs here; deploying again updates it."""
    here = local_cloud()
    if not confirmed(f"deploy would update the stack {LOCAL} at {here.endpoint_url}", yes=yes):
        raise typer.Exit(1)
    from pulumi import RunError  # noqa: PLC0415

    from localcloud.deployer import DeployError  # noqa: PLC0415 - Pulumi takes a second to import
    from localcloud.deployer import deploy as deploy_here  # noqa: PLC0415
    from program.stack_file import StackConfigError  # noqa: PLC0415

    err.print(f"[yellow]This is {NOT_PULUMI}.[/]")
    count = 0

    def so_far() -> str:
        return f"{count} resources of {LOCAL} were created or updated; run the command again to continue"

    with interruption_reported(so_far), err.status("deploying") as status:

        def on_resource(kind: str, name: str) -> None:
            nonlocal count
            count += 1
            status.update(f"deploying: {count} resources, {kind} {name}")

        try:
            results = deploy_here(CloudHere(here), LOCAL, config, on_resource)
        except (DeployError, StackConfigError, RunError) as error:
            raise PipelineError(f"deploy of local failed: {'; '.join(str(error).splitlines())}") from None
    LocalCloud(endpoint_url=here.endpoint_url, region=here.region, outputs=results).announce()
    if as_json:
        print_json({"stack": "local", "engine": "localcloud", "resources": count, "outputs": results})
    else:
        out.print(f"local: {count} resources are up to date at {here.endpoint_url}")


def _name_on_aws(stack: str | None, command: str) -> str:
    name = stack_name(stack)
    if name == LOCAL:
        raise InvalidRequestError(
            f"the stack local does not support {command}: `img-pipeline deploy --stack local` is {NOT_PULUMI}. "
            "Stopping `make up` removes everything"
        )
    return name


def _config(config_file: Path | None, secrets: list[str] | None) -> tuple[dict[str, object], dict[str, str]]:
    """The settings and the secrets that the options name.

    Raises:
        PipelineError: a file, a variable or a value is missing, or a secret's value is on the command line.
    """
    wanted = dict(_split_secret(secret) for secret in secrets or ())
    if str(config_file) == "-" and None in wanted.values():
        raise PipelineError(
            "the settings are read from standard input: name a variable for each secret (--secret KEY=VARIABLE)"
        )
    return _read_config(config_file), {key: _secret(key, variable) for key, variable in wanted.items()}


def _read_config(path: Path | None) -> dict[str, object]:
    if path is None:
        return {}
    try:
        text = (sys.stdin.buffer.read() if str(path) == "-" else path.read_bytes()).decode("utf-8")
        values = yaml.safe_load(text)
    except OSError as error:
        raise InvalidRequestError(f"settings cannot be read from {path}: {error.strerror}; name a YAML file") from None
    except UnicodeDecodeError:
        raise InvalidRequestError(f"settings cannot be read from {path}: save the file as UTF-8 text") from None
    except yaml.YAMLError as error:
        raise InvalidRequestError(f"settings cannot be read from {path}: {' '.join(str(error).split())}") from None
    # The section of a stack's own file is taken as it is.
    values = values["config"] if isinstance(values, dict) and set(values) == {"config"} else values
    if not isinstance(values, dict):
        raise PipelineError(f"settings cannot be read from {path}: it must have one value by key, such as maxBytes: 1")
    return values


def _split_secret(secret: str) -> tuple[str, str | None]:
    key, has_variable, variable = secret.partition("=")
    return key, variable if has_variable else None


def _secret(key: str, variable: str | None) -> str:
    if variable is not None:
        if variable not in os.environ:
            raise PipelineError(
                f"--secret {key}: there is no environment variable of that name; "
                "put the value into a variable and name it here, because other users can read a command line"
            )
        value = os.environ[variable]
    elif sys.stdin.isatty():
        value = typer.prompt(key, hide_input=True, err=True)
    else:
        value = sys.stdin.readline().rstrip("\n")
    if not value:
        raise PipelineError(f"--secret {key}: the value is empty")
    return value


class _Watch:
    """Shows the engine's progress: a bar on a terminal, elsewhere a line for each resource."""

    def __init__(self, verb: str, pulumi: PulumiCli, *, silent: bool) -> None:
        self.pulumi = pulumi
        self._verb = verb
        self._seen: set[str] = set()
        self.silent = silent
        self.interrupted = False
        self._progress = Progress(
            SpinnerColumn(),
            TextColumn("{task.description}"),
            BarColumn(),
            MofNCompleteColumn(),
            TimeElapsedColumn(),
            console=err,
            transient=True,
            disable=silent or not err.is_terminal,
        )
        self._task = self._progress.add_task("previewing", total=None)

    def __enter__(self) -> _Watch:
        self._progress.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._progress.stop()

    def on_event(self, event: EngineEvent) -> None:
        """Show one event of the engine; called from another thread."""
        step = event.res_outputs_event
        if not step or step.metadata.op.value in ("same", "refresh"):
            return
        name = f"{step.metadata.type} {step.metadata.urn.rsplit('::', 1)[-1]}"
        if step.planning:
            self._progress.update(self._task, description=f"previewing {name}")
            return
        self._seen.add(step.metadata.urn)
        self._progress.update(self._task, completed=len(self._seen), description=f"{self._verb} {name}")
        if not self.silent and not err.is_terminal:
            err.print(f"{step.metadata.op.value} {name}")

    def expect(self, changes: int) -> None:
        """Show a bar for this number of changes; called after the preview."""
        self._progress.update(self._task, total=changes, completed=0, description=self._verb)

    @contextlib.contextmanager
    def suspended(self) -> Iterator[None]:
        """Hide the bar during a prompt."""
        self._progress.stop()
        yield
        self._progress.start()


@contextlib.contextmanager
def _watching(verb: str, as_json: bool) -> Iterator[_Watch]:
    """Show progress, and let Ctrl-C or SIGTERM stop the engine after the operations in progress."""
    from operations.deploy.pulumi_cli import PulumiCli  # noqa: PLC0415

    pulumi = PulumiCli()

    def on_signal(_number: int, _frame: FrameType | None) -> None:
        if not pulumi.interrupt():
            raise KeyboardInterrupt
        watch.interrupted = True
        err.print("[yellow]stopping after the operations in progress; Ctrl-C again stops immediately[/]")

    watch = _Watch(verb, pulumi, silent=as_json)
    former = {number: signal.signal(number, on_signal) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        with watch:
            yield watch
    finally:
        for number, handler in former.items():
            signal.signal(number, handler)


def _confirmation(watch: _Watch, question: str, *, yes: bool) -> Callable[[DeploymentResult], bool]:
    """Return a function that shows a preview and asks whether to continue."""

    def confirm(found: DeploymentResult) -> bool:
        with watch.suspended():
            if not watch.silent:
                _show_changes(found, err)
            # Without a change there is nothing to ask; the engine still brings outputs and state up to date.
            agreed = yes or not found.changes or ask(question)
        watch.expect(len(found.changes))
        return agreed

    return confirm


@contextlib.contextmanager
def _reported(watch: _Watch) -> Iterator[None]:
    """Show what a deployment did before it failed, and exit with the status for the cause."""
    as_json = watch.silent
    from operations.deploy.engine import DeploymentFailed, DeploymentRefused  # noqa: PLC0415

    try:
        yield
    except DeploymentFailed as error:
        if watch.interrupted:
            if as_json:
                print_json(_as_json(error.result, "interrupted", str(error)))
            end_interrupted(_so_far(error.result))
        if as_json:
            print_json(_as_json(error.result, "failed", str(error)))
        else:
            if error.result.changes:
                _show_changes(error.result, err)
            for failure in error.result.failures:
                err.print(f"[red]failed:[/] {escape(str(failure))}")
        raise typer.Exit(1) from None
    except DeploymentRefused as error:
        if as_json:
            print_json(_as_json(error.preview, "refused", str(error)))
        else:
            _show_changes(error.preview, err)
            err.print(f"[red]refused:[/] {escape(str(error))}")
        raise typer.Exit(REFUSED_STATUS) from None


def _finish(result: DeploymentResult, as_json: bool) -> None:
    """Show what was done; a deployment that was not confirmed fails, so that a script detects it."""
    if result.applied:
        _show(result, as_json)
        return
    if as_json:
        print_json(_as_json(result, "not confirmed"))
    err.print("nothing was changed: add --yes to go ahead")
    raise typer.Exit(1)


def _show(result: DeploymentResult, as_json: bool) -> None:
    if as_json:
        print_json(_as_json(result, "succeeded"))
    else:
        _show_changes(result, out)


def _show_changes(result: DeploymentResult, console: Console) -> None:
    changes = [change for change in result.changes if not change.type.startswith(PROVIDERS)]
    table = Table.grid("", "", "", "", padding=(0, 2))
    creations = [change for change in changes if change.operation == "create"]
    by_type = len(creations) > LISTED_CREATIONS
    if by_type:
        for kind, count in sorted(Counter(change.type for change in creations).items()):
            table.add_row(_SIGNS["create"], kind, f"{count} of them", "")
    for change in changes:
        if by_type and change in creations:
            continue
        why = ", ".join(f"[red]{name}[/]" if name in change.causes else name for name in change.properties)
        table.add_row(_SIGNS.get(change.operation, " "), change.type, escape(change.name), why)
    console.print(table)
    for warning in result.warnings:
        console.print(f"[yellow]warning:[/] {escape(warning)}")
    console.print(f"{result.stack}: {_totals(result)}, {result.unchanged} unchanged, {result.seconds:.0f} s")


def _totals(result: DeploymentResult) -> str:
    counts = Counter(change.operation for change in result.changes if not change.type.startswith(PROVIDERS))
    verbs = _DONE if result.applied else {operation: f"to {operation}" for operation in _DONE}
    return ", ".join(f"{count} {verbs.get(name, name)}" for name, count in counts.items()) or "no change"


def _so_far(result: DeploymentResult) -> str:
    if not result.applied:
        return f"{result.operation} of {result.stack} was stopped, nothing was changed"
    return f"{result.operation} of {result.stack} was stopped: {_totals(result)}; run the command again to continue"


def _as_json(result: DeploymentResult, outcome: str, error: str | None = None) -> dict[str, Any]:
    return {
        "stack": result.stack,
        "operation": result.operation,
        "outcome": outcome,
        "applied": result.applied,
        "changes": [_change_record(change) for change in result.changes],
        "unchanged": result.unchanged,
        "failures": [{"urn": failure.urn, "message": failure.message} for failure in result.failures],
        "warnings": list(result.warnings),
        "seconds": round(result.seconds, 1),
        **({"error": error} if error else {}),
    }


def _change_record(change: Change) -> dict[str, Any]:
    """A change as a JSON object."""
    return {
        "operation": change.operation,
        "urn": change.urn,
        "type": change.type,
        "name": change.name,
        "properties": list(change.properties),
        "causes": list(change.causes),
        "losesState": change.loses_state,
    }
