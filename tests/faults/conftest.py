"""A federation for each scenario of `reference/reliability.md` D to break; nothing is eased: real processes, real kills."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from rig import Rig

HERE = Path(__file__).parent
LIMIT_S = 300


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
def standing(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Rig]:
    """Two servers, a recorder, and two slots at one centre: what most scenarios need."""
    with Rig(tmp_path_factory.mktemp("rig") / "home") as rig:
        yield rig


@pytest.fixture
def rig(standing: Rig) -> Iterator[Rig]:
    """Give it whole, and hold it afterwards to what must be true whatever has happened."""
    standing.heal()
    yield standing
    standing.heal()
    standing.check()


@pytest.fixture
def other_rig(tmp_path: Path) -> Iterator[Callable[..., Rig]]:
    """Build rigs of one's own, for what the common one does not have; started and checked as the common one is."""
    made: list[Rig] = []

    def build(*, before: Callable[[Rig], object] = lambda _: None, **wishes: Any) -> Rig:
        rig = Rig(tmp_path / f"home-{len(made)}", **wishes)
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
