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

from localcloud.announcement import LocalCloud
from operations.changes import as_json
from operations.connection import LocalOption, StackOption, connect_here, local_cloud
from operations.errors import OperationError
from operations.terminal import JsonOption

if TYPE_CHECKING:
    from pulumi.automation import EngineEvent

    from operations.deployment import DeploymentResult
    from operations.pulumi_cli import PulumiCli

REFUSED_STATUS = 3
# A first deployment creates some hundred resources: by type they fit on a screen.
LISTED_CREATIONS = 20

NOT_PULUMI = (
    "the embedded cloud's own deployer, not Pulumi's engine: it shows that the program runs and its parts fit "
    "together, but it plans nothing, keeps no state and deletes nothing"
)

YesOption = Annotated[bool, typer.Option("--yes", "-y", help="Go ahead without a question.")]
ConfigFileOption = Annotated[
    Path | None,
    typer.Option(
        "--config-file",
        help="YAML or JSON of settings to lay over the stack's own file; `-` reads it from standard input.",
        show_default=False,
    ),
]
SecretOption = Annotated[
    list[str] | None,
    typer.Option(
        "--secret",
        metavar="KEY[=VARIABLE]",
        help="A secret setting, taken from the environment variable VARIABLE, or else asked for (or read, a line "
        "each, from standard input). Repeat it for more. The value never stands on the command line.",
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

_out, _err = Console(), Console(stderr=True)
_SIGNS = {
    "create": "[green]+[/]",
    "update": "[yellow]~[/]",
    "replace": "[magenta]±[/]",
    "delete": "[red]-[/]",
}
_DONE = {"create": "created", "update": "updated", "replace": "replaced", "delete": "deleted"}


def deploy(
    *,
    stack: StackOption = "dev",
    local: LocalOption = False,
    config_file: ConfigFileOption = None,
    secret: SecretOption = None,
    allow: AllowOption = None,
    policy_pack: PolicyOption = None,
    secrets_provider: Annotated[
        str | None,
        typer.Option(help="What encrypts the secrets of a new stack, as for `pulumi stack init`.", show_default=False),
    ] = None,
    yes: YesOption = False,
    json_: JsonOption = False,
) -> None:
    """Preview the stack, refuse what would lose data, then create or update it.

    Buckets, tables, queues, topics, keys and log groups are never deleted or replaced unless you allow each. Without
    --yes you are asked first; where there is no terminal to ask, nothing is changed. Settings are kept in
    the stack's own file, secrets encrypted.

    The stack `local` goes into the embedded cloud that `make up` keeps running; no Pulumi CLI is needed for it.

    Exit status: 0 done, 1 failed or not confirmed, 3 refused because data would be lost.

    Example:

    ```
    img-pipeline deploy --stack dev --yes
    img-pipeline deploy --stack prod --config-file prod.yaml --secret 'alertHttpsEndpoints[0]=PAGER_URL'
    ```
    """
    config, secrets = _config(config_file, secret)
    if local or stack == "local":
        _deploy_here(config | secrets, json_)
        return
    from operations import deployment  # noqa: PLC0415 - Pulumi takes a second to import

    with _watching("deploying", json_) as watch:
        engine = deployment.Engine(
            pulumi=watch.pulumi,
            policy_packs=policy_pack or (),
            secrets_provider=secrets_provider,
            on_event=watch.on_event,
        )
        confirm = _asks(watch, f"Deploy this to {stack}?", yes=yes)
        with _reported(json_):
            result = deployment.deploy(
                stack, config=config, secrets=secrets, allow=allow or (), confirm=confirm, engine=engine
            )
    _finish(result, json_)


def preview(
    *,
    stack: StackOption = "dev",
    config_file: ConfigFileOption = None,
    secret: SecretOption = None,
    policy_pack: PolicyOption = None,
    json_: JsonOption = False,
) -> None:
    """Show what `deploy` would change, and change nothing.

    Example:

    ```
    img-pipeline preview --stack prod
    echo '{"maxBytes": 20971520}' | img-pipeline preview --stack prod --config-file - --json
    ```
    """
    _not_here(stack, "preview")
    from operations import deployment  # noqa: PLC0415

    config, secrets = _config(config_file, secret)
    with _watching("previewing", json_) as watch, _reported(json_):
        engine = deployment.Engine(pulumi=watch.pulumi, policy_packs=policy_pack or (), on_event=watch.on_event)
        result = deployment.preview(stack, config=config, secrets=secrets, engine=engine)
    _show(result, json_)


def destroy(
    stack: StackOption = "dev", allow: AllowOption = None, yes: YesOption = False, json_: JsonOption = False
) -> None:
    """Delete everything in the stack; its history and settings stay.

    What holds data is refused unless you allow each resource or type, and the refusal says which options that takes;
    what is protected, Pulumi itself refuses.

    Example: `img-pipeline destroy --stack dev`
    """
    _not_here(stack, "destroy")
    from operations import deployment  # noqa: PLC0415

    with _watching("destroying", json_) as watch:
        engine = deployment.Engine(pulumi=watch.pulumi, on_event=watch.on_event)
        confirm = _asks(watch, f"Delete all of this in {stack}?", yes=yes)
        with _reported(json_):
            result = deployment.destroy(stack, allow=allow or (), confirm=confirm, engine=engine)
    _finish(result, json_)


def refresh(stack: StackOption = "dev", yes: YesOption = False, json_: JsonOption = False) -> None:
    """Find what was changed by hand, and take it over into Pulumi's state; no resource is touched.

    Example: `img-pipeline refresh --stack prod`
    """
    _not_here(stack, "refresh")
    from operations import deployment  # noqa: PLC0415

    with _watching("refreshing", json_) as watch:
        engine = deployment.Engine(pulumi=watch.pulumi, on_event=watch.on_event)
        confirm = _asks(watch, f"Take this over into the state of {stack}?", yes=yes)
        with _reported(json_):
            result = deployment.refresh(stack, confirm=confirm, engine=engine)
    _finish(result, json_)


def outputs(
    *,
    name: Annotated[
        str | None, typer.Argument(metavar="NAME", help="One output: prints its value alone.", show_default=False)
    ] = None,
    stack: StackOption = "dev",
    local: LocalOption = False,
    show_secrets: Annotated[bool, typer.Option(help="Print secret values too.")] = False,
    json_: JsonOption = False,
) -> None:
    """Print what the deployed stack is called: buckets, queues, tables, functions.

    Example: `aws s3 cp cat.jpg "s3://$(img-pipeline outputs ingestBucket --stack dev)/uploads/cat.jpg"`
    """
    values = _outputs_of(stack, local, show_secrets=show_secrets)
    if name is not None:
        if name not in values:
            raise OperationError(f"{stack} has no output {name}: it has {', '.join(sorted(values)) or 'none'}")
        value = values[name]
        typer.echo(value if isinstance(value, str) and not json_ else json.dumps(value))
    elif json_:
        typer.echo(json.dumps(values, indent=2, sort_keys=True))
    else:
        table = Table.grid("", "", padding=(0, 2))
        for key, value in sorted(values.items()):
            members = value.items() if isinstance(value, dict) else [("", value)]
            for member, inner in sorted(members):
                text = ", ".join(map(str, inner)) if isinstance(inner, list) else str(inner)
                table.add_row(f"{key}.{member}" if member else key, escape(text))
        _out.print(table, soft_wrap=True, highlight=False)


def _outputs_of(stack: str, local: bool, *, show_secrets: bool) -> Mapping[str, Any]:
    if local or stack == "local":
        return local_cloud().outputs
    from operations import deployment  # noqa: PLC0415

    return deployment.stack_outputs(stack, show_secrets=show_secrets, engine=deployment.Engine())


def _deploy_here(config: Mapping[str, object], json_: bool) -> None:
    """Deploy into the embedded cloud that runs here; deploying again updates it."""
    here = local_cloud()
    from pulumi import RunError  # noqa: PLC0415

    from localcloud.deployer import DeployError  # noqa: PLC0415 - Pulumi takes a second to import
    from localcloud.deployer import deploy as deploy_here  # noqa: PLC0415
    from localcloud.stack_config import StackConfigError  # noqa: PLC0415

    _err.print(f"[yellow]This is {NOT_PULUMI}.[/]")
    count = 0
    with _err.status("deploying") as status:

        def tell(kind: str, name: str) -> None:
            nonlocal count
            count += 1
            status.update(f"deploying: {count} resources, {kind} {name}")

        try:
            results = deploy_here(connect_here(here), "local", config, tell)
        except (DeployError, StackConfigError, RunError) as error:
            raise OperationError(f"deploy of local failed: {'; '.join(str(error).splitlines())}") from None
    LocalCloud(endpoint_url=here.endpoint_url, region=here.region, outputs=results).announce()
    if json_:
        typer.echo(json.dumps({"stack": "local", "engine": "localcloud", "resources": count, "outputs": results}))
    else:
        _out.print(f"local: {count} resources are as the program says, at {here.endpoint_url}")


def _not_here(stack: str, command: str) -> None:
    if stack == "local":
        raise OperationError(
            f"the stack local knows no {command}: `img-pipeline deploy --stack local` is {NOT_PULUMI}. "
            "Stopping `make up` removes everything"
        )


def _config(config_file: Path | None, secrets: list[str] | None) -> tuple[dict[str, object], dict[str, str]]:
    """The settings and the secrets that the options name.

    Raises:
        OperationError: a file, a variable or a value is missing, or a secret's value stands on the command line.
    """
    wanted = dict(_parted(secret) for secret in secrets or ())
    if str(config_file) == "-" and None in wanted.values():
        raise OperationError(
            "standard input holds the settings: name a variable for each secret (--secret KEY=VARIABLE)"
        )
    return _read_config(config_file), {key: _secret(key, variable) for key, variable in wanted.items()}


def _read_config(path: Path | None) -> dict[str, object]:
    if path is None:
        return {}
    try:
        values = yaml.safe_load(sys.stdin if str(path) == "-" else path.read_text(encoding="utf-8"))
    except (OSError, yaml.YAMLError) as error:
        raise OperationError(f"settings cannot be read from {path}: {' '.join(str(error).split())}") from None
    # The section of a stack's own file is taken as it is.
    values = values["config"] if isinstance(values, dict) and set(values) == {"config"} else values
    if not isinstance(values, dict):
        raise OperationError(f"settings cannot be read from {path}: it must hold one value by key, such as maxBytes: 1")
    return values


def _parted(secret: str) -> tuple[str, str | None]:
    key, has_variable, variable = secret.partition("=")
    return key, variable if has_variable else None


def _secret(key: str, variable: str | None) -> str:
    if variable is not None:
        if variable not in os.environ:
            raise OperationError(
                f"--secret {key}: there is no environment variable of that name; "
                "put the value into a variable and name it here, for a command line is no secret"
            )
        value = os.environ[variable]
    elif sys.stdin.isatty():
        value = typer.prompt(key, hide_input=True, err=True)
    else:
        value = sys.stdin.readline().rstrip("\n")
    if not value:
        raise OperationError(f"--secret {key}: the value is empty")
    return value


class _Watch:
    """Shows what the engine does while it does it: a bar on a terminal, a line each elsewhere."""

    def __init__(self, verb: str, pulumi: PulumiCli, *, silent: bool) -> None:
        self.pulumi = pulumi
        self._verb = verb
        self._seen: set[str] = set()
        self.silent = silent
        self._progress = Progress(
            SpinnerColumn(),
            TextColumn("{task.description}"),
            BarColumn(),
            MofNCompleteColumn(),
            TimeElapsedColumn(),
            console=_err,
            transient=True,
            disable=silent or not _err.is_terminal,
        )
        self._task = self._progress.add_task("previewing", total=None)

    def __enter__(self) -> _Watch:
        self._progress.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._progress.stop()

    def on_event(self, event: EngineEvent) -> None:
        """Take one event of the engine, in its thread."""
        step = event.res_outputs_event
        if not step or step.metadata.op.value in ("same", "refresh"):
            return
        name = f"{step.metadata.type} {step.metadata.urn.rsplit('::', 1)[-1]}"
        if step.planning:
            self._progress.update(self._task, description=f"previewing {name}")
            return
        self._seen.add(step.metadata.urn)
        self._progress.update(self._task, completed=len(self._seen), description=f"{self._verb} {name}")
        if not self.silent and not _err.is_terminal:
            _err.print(f"{step.metadata.op.value} {name}", soft_wrap=True, highlight=False)

    def expect(self, changes: int) -> None:
        """The preview is over: so many resources will change."""
        self._progress.update(self._task, total=changes, completed=0, description=self._verb)

    @contextlib.contextmanager
    def put_aside(self) -> Iterator[None]:
        """Leave the terminal to a question."""
        self._progress.stop()
        yield
        self._progress.start()


@contextlib.contextmanager
def _watching(verb: str, json_: bool) -> Iterator[_Watch]:
    """Show progress, and let Ctrl-C or SIGTERM stop the engine where it can stop cleanly."""
    from operations.pulumi_cli import PulumiCli  # noqa: PLC0415

    pulumi = PulumiCli()

    def on_signal(_number: int, _frame: FrameType | None) -> None:
        if not pulumi.interrupt():
            raise KeyboardInterrupt
        _err.print("[yellow]stopping after the operations under way; once more stops at once[/]")

    former = {number: signal.signal(number, on_signal) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        with _Watch(verb, pulumi, silent=json_) as watch:
            yield watch
    finally:
        for number, handler in former.items():
            signal.signal(number, handler)


def _asks(watch: _Watch, question: str, *, yes: bool) -> Callable[[DeploymentResult], bool]:
    """What to do with a preview: show it, and go on if that is wanted."""

    def confirm(found: DeploymentResult) -> bool:
        with watch.put_aside():
            if not watch.silent:
                _show_changes(found, _err)
            # Without a change there is nothing to ask; the engine still brings outputs and state up to date.
            agreed = yes or not found.changes or (sys.stdin.isatty() and typer.confirm(question, err=True))
        watch.expect(len(found.changes))
        return agreed

    return confirm


@contextlib.contextmanager
def _reported(json_: bool) -> Iterator[None]:
    """Show how far a deployment got before it failed, and end with the status that says why."""
    from operations.deployment import DeploymentFailed, DeploymentRefused  # noqa: PLC0415

    try:
        yield
    except DeploymentFailed as error:
        if json_:
            typer.echo(json.dumps(_as_json(error.result, "failed", str(error)), indent=2))
        else:
            _show_changes(error.result, _err)
            for failure in error.result.failures:
                _err.print(f"\n[red]failed:[/] {escape(str(failure))}", soft_wrap=True, highlight=False)
        raise typer.Exit(1) from None
    except DeploymentRefused as error:
        if json_:
            typer.echo(json.dumps(_as_json(error.preview, "refused", str(error)), indent=2))
        else:
            _show_changes(error.preview, _err)
            _err.print(f"\n[red]refused:[/] {escape(str(error))}", soft_wrap=True, highlight=False)
        raise typer.Exit(REFUSED_STATUS) from None


def _finish(result: DeploymentResult, json_: bool) -> None:
    """Show what was done; nothing done for want of a yes is a failure, so that a script notices."""
    if result.applied:
        _show(result, json_)
        return
    if json_:
        typer.echo(json.dumps(_as_json(result, "not confirmed"), indent=2))
    _err.print("nothing was changed: add --yes to go ahead")
    raise typer.Exit(1)


def _show(result: DeploymentResult, json_: bool) -> None:
    if json_:
        typer.echo(json.dumps(_as_json(result, "succeeded"), indent=2))
    else:
        _show_changes(result, _out)


def _show_changes(result: DeploymentResult, console: Console) -> None:
    changes = [change for change in result.changes if not change.type.startswith("pulumi:providers:")]
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
    console.print(table, highlight=False)
    for warning in result.warnings:
        console.print(f"[yellow]warning:[/] {escape(warning)}", soft_wrap=True, highlight=False)
    counts = Counter(change.operation for change in changes)
    verbs = _DONE if result.applied else {name: f"to {name}" for name in _DONE}
    parts = [f"{count} {verbs.get(name, name)}" for name, count in counts.items()] or ["no change"]
    console.print(f"{result.stack}: {', '.join(parts)}, {result.unchanged} unchanged, {result.seconds:.0f} s")


def _as_json(result: DeploymentResult, outcome: str, error: str | None = None) -> dict[str, Any]:
    return {
        "stack": result.stack,
        "operation": result.operation,
        "outcome": outcome,
        "applied": result.applied,
        "changes": [as_json(change) for change in result.changes],
        "unchanged": result.unchanged,
        "failures": [{"urn": failure.urn, "message": failure.message} for failure in result.failures],
        "warnings": list(result.warnings),
        "seconds": round(result.seconds, 1),
        **({"error": error} if error else {}),
    }
