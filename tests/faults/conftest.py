"""A federation for each scenario of `reference/reliability.md` D to break; nothing is eased: real processes, real kills."""

import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
import sqlalchemy as sa

from rig import Rig

HERE = Path(__file__).parent
LIMIT_S = 300
STORE = "GAIA_FAULTS_STORE"
"""Names what the rigs keep their jobs in: `postgresql`, or else a file of SQLite."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark all of this folder, so that an ordinary run leaves it out: but for the smoke."""
    for item in items:
        if not item.path.is_relative_to(HERE):
            continue
        if item.get_closest_marker("smoke") is None:
            item.add_marker("fault")
        if item.get_closest_marker("timeout") is None:
            item.add_marker(pytest.mark.timeout(LIMIT_S))


@pytest.fixture(scope="session")
def make_store(request: pytest.FixtureRequest) -> Callable[[], dict[str, str]]:
    """Give a maker of settings that name a store of a rig's own; nothing, where that is the file that every rig has."""

    def make() -> dict[str, str]:
        if os.environ.get(STORE) != "postgresql":
            return {}
        url, name = request.getfixturevalue("postgres").url, f"rig_{uuid4().hex}"
        engine = sa.create_engine(url, isolation_level="AUTOCOMMIT")
        with engine.connect() as connection:
            connection.execute(sa.text(f"CREATE DATABASE {name}"))
        engine.dispose()
        return {"GAIA_STORE_URL": sa.make_url(url).set(database=name).render_as_string(hide_password=False)}

    return make


@pytest.fixture(scope="session")
def standing(tmp_path_factory: pytest.TempPathFactory, make_store: Callable[[], dict[str, str]]) -> Iterator[Rig]:
    """Two servers, a recorder, and two slots at one centre: what most scenarios need."""
    with Rig(tmp_path_factory.mktemp("rig") / "home", more=make_store()) as rig:
        yield rig


@pytest.fixture
def in_a_file() -> None:
    """Skip what is about the file that SQLite keeps a store in."""
    if os.environ.get(STORE) == "postgresql":
        pytest.skip("the store is no file")


@pytest.fixture
def rig(standing: Rig) -> Iterator[Rig]:
    """Give it whole, and hold it afterwards to what must be true whatever has happened."""
    standing.heal()
    yield standing
    standing.heal()
    standing.check()


@pytest.fixture
def other_rig(tmp_path: Path, make_store: Callable[[], dict[str, str]]) -> Iterator[Callable[..., Rig]]:
    """Build rigs of one's own, for what the common one does not have; started and checked as the common one is."""
    made: list[Rig] = []

    def build(*, before: Callable[[Rig], object] = lambda _: None, **wishes: Any) -> Rig:
        rig = Rig(tmp_path / f"home-{len(made)}", **wishes | {"more": make_store() | wishes.get("more", {})})
        made.append(rig)
        before(rig)
        return rig.__enter__()

    yield build
    try:
        for rig in made:
            rig.heal()
            rig.check()
    finally:
        for rig in made:
            rig.close()
