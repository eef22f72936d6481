"""Scenarios 21 and 22: a centre and its broker lose each other, entirely or in one direction, with or without a word."""

import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import netCDF4
import pytest

from namespace import Namespace
from proxy import Mode, Proxy
from rig import HOST, LEASE_S, Rig

CUT_S = 20.0
HEALED_LIMIT_S = 30.0
DETECTED_LIMIT_S = 30.0


@pytest.fixture
def field(tmp_path: Path) -> Path:
    """Give a file to publish."""
    path = tmp_path / "field.nc"
    with netCDF4.Dataset(path, "w") as data:
        data.createDimension("lat", 3)
        axis = data.createVariable("lat", "f8", ("lat",))
        axis.units, axis[:] = "degrees_north", [0, 1, 2]
        data.createVariable("tas", "f4", ("lat",))[:] = 1
    return path


@pytest.fixture
def proxies() -> Iterator[list[Proxy]]:
    """Hold proxies for as long as there is a rig."""
    with ExitStack() as opened:
        made: list[Proxy] = []
        yield made
        for each in made:
            opened.push(each)


@pytest.fixture
def cut_off(proxies: list[Proxy], other_rig: Callable[..., Rig]) -> Iterator[tuple[Rig, Proxy]]:
    """Two centres, of which the worker at north reaches the broker through a proxy only."""

    def lead_through_proxy(rig: Rig) -> None:
        proxies.append(Proxy(rig.ports["broker"]).__enter__())
        there = rig.programs["worker north"]
        there.environment = {**there.environment, "BROKER_OF_NORTH": f"redis://127.0.0.1:{proxies[0].port}/0"}

    rig = other_rig(centres=("north", "south"), webs=("a",), before=lead_through_proxy)
    yield rig, proxies[0]
    proxies[0].set("pass")


@dataclass(frozen=True, kw_only=True)
class Line:
    """What can be parted and joined: the line between a centre and the broker."""

    way: str
    part: Callable[[], None]
    join: Callable[[], None]


@pytest.fixture
def network() -> Iterator[Namespace | None]:
    """Hold a network for as long as there is a rig; None where the machine allows none."""
    if not Namespace.can_be_made():
        yield None
        return
    with Namespace() as made:
        yield made


@pytest.fixture
def parted(
    request: pytest.FixtureRequest, network: Namespace | None, proxies: list[Proxy], other_rig: Callable[..., Rig]
) -> Iterator[tuple[Rig, Line]]:
    """Two centres, of which the worker at north is in a network of its own; behind a proxy where there can be none."""
    if network is None:
        rig, proxy = request.getfixturevalue("cut_off")
        yield rig, Line(way="proxy", part=lambda: proxy.set("cut"), join=lambda: proxy.set("pass"))
        return

    def lead_through_cable(rig: Rig) -> None:
        broker, there = rig.programs["broker"], rig.programs["worker north"]
        # Without a password Redis else answers nobody but the loopback.
        broker.command = (*broker.command, "--bind", HOST, network.outside, "--protected-mode", "no")
        there.command = network.inside(there.command)
        url = f"redis://{network.outside}:{rig.ports['broker']}/0"
        there.environment = {**there.environment, "BROKER_OF_NORTH": url}

    rig = other_rig(centres=("north", "south"), webs=("a",), before=lead_through_cable)
    yield rig, Line(way="network namespace", part=network.pull, join=network.plug)
    network.plug()


def test_scenario_21_a_centre_that_is_cut_off_goes_on_and_delivers_when_it_is_back(
    parted: tuple[Rig, Line], field: Path, record_property: Callable[[str, object], None]
) -> None:
    """Packets vanish in both directions and no connection is closed, as with a cable that is out."""
    rig, line = parted
    record_property("way", line.way)
    dataset = rig.publish("north", field)
    rig.wait_until(lambda: rig.client().get(f"/collections/{dataset}").status == 200, limit_s=10)
    there = rig.submit("busy", {"seconds": 5, "mark": "21", "dataset": dataset})
    rig.wait_for(there, "running")
    line.part()
    healed = time.monotonic() + CUT_S
    rig.wait_until(lambda: "no contact with north since" in rig.status(there).get("gaia:reason", ""), limit_s=15)
    elsewhere = 0
    while time.monotonic() < healed:
        job = rig.submit("busy", {"seconds": 0.1, "mark": f"21 elsewhere {elsewhere}"})
        assert rig.end_of(job, limit_s=10)["gaia:centre"] == "south"
        assert rig.status(there)["status"] == "running"
        elsewhere += 1
    assert elsewhere > 5
    line.join()
    end = rig.end_of(there, limit_s=HEALED_LIMIT_S)
    assert (end["status"], end["gaia:attempt"], end["gaia:centre"]) == ("successful", 1, "north")
    assert rig.result(there) == "busy 21"


@pytest.mark.parametrize("mode", ["swallow", pytest.param("one-way", marks=pytest.mark.soak)])
def test_scenario_22_connections_that_are_half_open_are_noticed_and_made_anew(
    cut_off: tuple[Rig, Proxy], field: Path, mode: Mode
) -> None:
    """What was swallowed is lost for ever on that connection, as behind a firewall that forgot it: only a new one helps."""
    rig, proxy = cut_off
    dataset = rig.publish("north", field)
    rig.wait_until(lambda: rig.client().get(f"/collections/{dataset}").status == 200, limit_s=10)
    running = rig.submit("busy", {"seconds": 3, "mark": f"22 {mode}", "dataset": dataset})
    rig.wait_for(running, "running")
    proxy.set(mode)
    waiting = rig.submit("busy", {"seconds": 0.1, "mark": f"22 {mode} waiting", "dataset": dataset})
    time.sleep(2 * LEASE_S)
    proxy.set("pass")
    for job in (running, waiting):
        assert rig.end_of(job, limit_s=DETECTED_LIMIT_S)["status"] == "successful"
    later = rig.submit("busy", {"seconds": 0.1, "mark": f"22 {mode} later", "dataset": dataset})
    assert rig.end_of(later, limit_s=DETECTED_LIMIT_S)["status"] == "successful"
