import subprocess
import sys
from importlib.metadata import EntryPoint

import pytest
import typer

from gaia_config import cli
from gaia_config.errors import ConfigurationError

HEAVY = ("xarray", "dask", "numpy", "rasterio", "celery", "flask", "pygeoapi", "sqlalchemy", "pystac")


def greet(name: str, loud: bool = False) -> None:
    """Greet somebody."""
    if name == "nobody":
        raise ConfigurationError("nobody cannot be greeted; name somebody")
    typer.echo(name.upper() if loud else name)


several = typer.Typer(help="Several greetings.")
several.command("greet")(greet)


def point(value: str, name: str = "greet") -> EntryPoint:
    return EntryPoint(name=name, value=value, group=cli.GROUP)


@pytest.fixture
def offered(monkeypatch):
    points = {
        "greet": point(f"{__name__}:greet"),
        "all": point(f"{__name__}:several", "all"),
        "worker": point("gaia_workers.absent_science:command", "worker"),
    }
    monkeypatch.setitem(sys.modules, __name__, sys.modules.get(__name__) or sys.modules[greet.__module__])
    monkeypatch.setattr(cli, "commands", lambda: points)


def run(monkeypatch, *arguments: str) -> int:
    monkeypatch.setattr(sys, "argv", ["gaia", *arguments])
    with pytest.raises(SystemExit) as caught:
        cli.main()
    return int(caught.value.code or 0)


@pytest.mark.usefixtures("offered")
@pytest.mark.parametrize("arguments", [("greet", "ana", "--loud"), ("all", "greet", "ana", "--loud")])
def test_functions_and_typers_are_commands(monkeypatch, capsys, arguments):
    assert run(monkeypatch, *arguments) == 0
    assert capsys.readouterr().out == "ANA\n"


@pytest.mark.usefixtures("offered")
@pytest.mark.parametrize("arguments", [("greet", "nobody"), ("all", "greet", "nobody")])
def test_what_the_caller_can_mend_is_one_sentence_and_2(monkeypatch, capsys, arguments):
    assert run(monkeypatch, *arguments) == 2
    assert capsys.readouterr().err == "gaia: nobody cannot be greeted; name somebody.\n"


@pytest.mark.usefixtures("offered")
@pytest.mark.parametrize("arguments", [("gret",), ("greet",), ("greet", "ana", "--soft")])
def test_a_wrong_call_is_2(monkeypatch, capsys, arguments):
    assert run(monkeypatch, *arguments) == 2
    assert "Traceback" not in capsys.readouterr().err


@pytest.mark.usefixtures("offered")
def test_an_unknown_command_is_told_the_nearest(monkeypatch, capsys):
    run(monkeypatch, "gret")
    assert "was 'greet' meant?" in capsys.readouterr().err


def test_a_room_without_its_packages_names_the_extra(monkeypatch):
    def load(_: EntryPoint) -> None:
        raise ModuleNotFoundError(name="xarray")

    monkeypatch.setattr(EntryPoint, "load", load)
    with pytest.raises(ConfigurationError, match=r"gaia worker needs xarray.*install gaia\[worker\]"):
        cli.application(point("gaia_workers.agent:command", "worker"))


def test_a_mistake_of_ours_is_not_mistaken_for_a_missing_package(monkeypatch):
    def load(_: EntryPoint) -> None:
        raise ModuleNotFoundError(name="gaia_workers.misspelt")

    monkeypatch.setattr(EntryPoint, "load", load)
    with pytest.raises(ModuleNotFoundError):
        cli.application(point("gaia_workers.misspelt:command", "worker"))


def test_every_installed_command_has_a_summary():
    assert set(cli.commands()) == set(cli.SUMMARIES)


def test_help_lists_all_commands_without_importing_the_rooms():
    code = (
        "import sys; sys.argv = ['gaia', '--help']\n"
        "from gaia_config import cli\n"
        "try: cli.main()\n"
        "except SystemExit as end: assert not end.code\n"
        f"print('heavy:', [m for m in {HEAVY!r} if m in sys.modules])\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert all(name in done.stdout for name in cli.SUMMARIES)
    assert done.stdout.endswith("heavy: []\n")
