"""
The command `gaia`. It crosses no room: commands come by the entry-point group `gaia.commands`, and only the one that is
asked for is imported. An entry point is a function, which becomes a typer command, or a `typer.Typer` with several.
"""

import difflib
import sys
from collections.abc import Sequence
from importlib.metadata import EntryPoint, entry_points, version
from typing import NoReturn

import typer
from rich.console import Console
from rich.table import Table

from gaia_config.errors import ConfigurationError

GROUP = "gaia.commands"
TROUBLE = 2  # the exit code of everything that the caller can mend

SUMMARIES = {
    "up": "Start the federation in a box: broker, server, three centres, real data.",
    "check": "Check a configuration without starting anything.",
    "probe": "Tell whether a program of ours that runs here is well.",
    "run": "Run a process here and now, on a local file or a dataset.",
    "catalogue": "Publish datasets in the catalogue of a centre.",
    "server": "Answer HTTP.",
    "recorder": "Record what workers report, send orders, put right what was lost.",
    "callback-key": "Tell the key by which a host verifies the callbacks that it receives.",
    "jobs": "Look after the jobs that are stored.",
    "worker": "Compute at a centre, beside its data.",
    "depot": "Serve the results of a centre.",
}

ROOMS = {
    "gaia_server": "server",
    "gaia_workers": "worker",
    "gaia_config": "demo",
}  # the extra that brings what each needs


def main() -> NoReturn:
    """Run the command line; ends the process with its exit code."""
    try:
        run(sys.argv[1:])
    except ConfigurationError as error:
        _complain(str(error))
    raise SystemExit(0)


def run(arguments: Sequence[str]) -> None:
    """
    Run one command.

    Parameters
    ----------
    arguments : sequence of str
        What was typed after `gaia`.

    Raises
    ------
    ConfigurationError
        Something that the caller can mend.
    SystemExit
        The command has ended, with another exit code than 0, or after its help.
    """
    if not arguments or arguments[0] in {"--help", "-h", "help"}:
        _print_help()
    elif arguments[0] == "--version":
        typer.echo(f"gaia {version('gaia')}")
    else:
        name, *rest = arguments
        application(_get(name))(rest, prog_name=f"gaia {name}")


def commands() -> dict[str, EntryPoint]:
    """List the commands that are installed: ours first, in the order of their table."""
    found = {point.name: point for point in sorted(entry_points(group=GROUP))}
    return {name: found[name] for name in [*SUMMARIES, *found] if name in found}


def application(point: EntryPoint) -> typer.Typer:
    """
    Import one command and make it ready to run.

    Raises
    ------
    ConfigurationError
        A package that it needs is not installed.
    """
    try:
        loaded = point.load()
    except ModuleNotFoundError as error:
        extra = ROOMS.get(point.module.partition(".")[0])
        if extra is None or (error.name or "").partition(".")[0] in ROOMS:
            raise
        problem = f"gaia {point.name} needs {error.name}, which is not installed; install gaia[{extra}]"
        raise ConfigurationError(problem) from None
    return _with_subcommands(loaded) if isinstance(loaded, typer.Typer) else _single(loaded, point.name)


def _single(function: object, name: str) -> typer.Typer:
    app = typer.Typer(add_completion=False, pretty_exceptions_enable=False)
    app.command(name)(function)  # type: ignore[type-var]  # what an entry point holds is known when it runs
    return app


def _with_subcommands(app: typer.Typer) -> typer.Typer:
    """Keep the name of a subcommand needed even where there is only one: typer would leave it out."""
    app.pretty_exceptions_enable = False
    if app.registered_callback is None:
        app.callback()(_nothing)
    return app


def _nothing() -> None:
    return None


def _get(name: str) -> EntryPoint:
    known = commands()
    if name in known:
        return known[name]
    near = difflib.get_close_matches(name, known, n=1)
    meant = f"was {near[0]!r} meant?" if near else f"there are {', '.join(known)}"
    raise ConfigurationError(f"there is no command {name!r}; {meant}")


def _print_help() -> None:
    table = Table.grid(padding=(0, 3))
    for name, point in commands().items():
        table.add_row(f"  {name}", SUMMARIES.get(name, f"From {point.module.partition('.')[0]}."))
    console = Console(highlight=False, markup=False)
    console.print("Usage: gaia COMMAND …\n\nProcessing on demand where the data are.\n")
    console.print(table)
    console.print("\nEach command explains itself: gaia COMMAND --help. gaia --version tells the version.")


def _complain(sentence: str) -> NoReturn:
    typer.echo(f"gaia: {sentence}", err=True)
    raise SystemExit(TROUBLE)
