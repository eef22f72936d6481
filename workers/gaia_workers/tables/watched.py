"""What is seen of a table while its rows pass on their way into a file: enough to colour and to show it."""

from collections.abc import Iterator
from dataclasses import dataclass, field, fields
from typing import Any

import numpy as np
import pandas as pd
import shapely
from numpy.typing import NDArray

from gaia_processes.shared.table import Block, Table
from gaia_workers.tables.cells import geometries_of, geometry_name, in_degrees, plain_column
from gaia_workers.tables.sample import Sample

HEAD_ROWS = 51
MAP_FEATURES = 20_000
"""So many different geometries are kept for a map."""
STEPS = ("time", "level", "period")
"""Columns by which a place comes several times."""
FAMILIES = {0: "point", 1: "line", 2: "line", 3: "polygon", 4: "point", 5: "line", 6: "polygon"}
"""By shapely's number of a geometry's type; collections (7) have none."""


@dataclass(slots=True)
class Seen:
    """
    What was seen of the rows.

    Attributes
    ----------
    values : Sample
        Of the finite numbers of the column that a map colours.
    types : set of int
        Types of geometries, as shapely numbers them.
    has_z : bool
        Whether some geometry has heights.
    bounds : array, shape (4,)
        Of all geometries, in the table's own coordinates; NaN where there is none.
    head : list of frame
        The first rows.
    features : dict
        By what a geometry is made of: itself, in degrees, and the number shown where it came first; NaN where missing.
    more : bool
        Whether some geometries were not kept, being too many.
    rows : int
        How many there were.
    """

    values: Sample = field(default_factory=Sample)
    types: set[int] = field(default_factory=set)
    has_z: bool = False
    bounds: NDArray[np.float64] = field(default_factory=lambda: np.full(4, np.nan))
    head: list[Block] = field(default_factory=list)
    features: dict[bytes, tuple[Any, float]] = field(default_factory=dict)
    more: bool = False
    rows: int = 0

    @property
    def family(self) -> str | None:
        """What the geometries are: `point`, `line`, `polygon`; the widest where they are mixed, None where there are none."""
        found = {FAMILIES.get(each, "polygon") for each in self.types}
        return next((each for each in ("polygon", "line", "point") if each in found), None)

    def all_values(self) -> NDArray[np.float64]:
        """Give the numbers that a map colours, all or a sample of them."""
        return self.values.values()

    def look(self, block: Block, shown: str | None) -> None:
        """See a block."""
        if self.rows < HEAD_ROWS:
            self.head.append(block.iloc[: HEAD_ROWS - self.rows])
        self.rows += len(block)
        numbers = _numbers(block, shown)
        self.values.add(numbers[np.isfinite(numbers)])
        if geometry_name(block) is not None:
            self._look_at_places(block, numbers)

    def _look_at_places(self, block: Block, numbers: NDArray[np.float64]) -> None:
        geometries = geometries_of(block)
        there = np.array([each is not None for each in geometries], dtype=bool)
        if not there.any():
            return
        self.types.update(np.unique(shapely.get_type_id(geometries[there])).tolist())
        self.has_z = self.has_z or bool(shapely.has_z(geometries[there]).any())
        self.bounds = _hull(self.bounds, np.asarray(shapely.total_bounds(geometries[there])))
        self._keep(geometries_of(in_degrees(block)), numbers)

    def _keep(self, geometries: NDArray[Any], numbers: NDArray[np.float64]) -> None:
        if self.more:
            return
        for geometry, number, key in zip(geometries, numbers.tolist(), _keys(geometries), strict=True):
            if geometry is None or key in self.features:
                continue
            if len(self.features) >= MAP_FEATURES:
                self.more = True
                return
            self.features[key] = (geometry, number)


def _numbers(block: Block, shown: str | None) -> NDArray[np.float64]:
    if shown is None or shown not in block.columns:
        return np.full(len(block), np.nan)
    return pd.to_numeric(block[shown], errors="coerce").to_numpy(dtype=np.float64, na_value=np.nan)


def _hull(one: NDArray[np.float64], other: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.concatenate([np.fmin(one[:2], other[:2]), np.fmax(one[2:], other[2:])])


def _keys(geometries: NDArray[Any]) -> list[bytes]:
    """Tell places apart without writing shapes out: points as they are, others by bounds, area, length and number of points."""
    told = np.column_stack(
        [
            shapely.bounds(geometries),
            shapely.area(geometries),
            shapely.length(geometries),
            shapely.get_num_coordinates(geometries).astype(np.float64),
        ]
    )
    keys = [row.tobytes() for row in told]
    for at in np.flatnonzero(shapely.get_type_id(geometries) == shapely.GeometryType.POINT).tolist():
        keys[at] = shapely.to_wkb(geometries[at])
    return keys


@dataclass(frozen=True, kw_only=True, slots=True)
class Watched(Table):
    """
    A table whose rows are seen as they pass.

    Attributes
    ----------
    seen : list of Seen
        The last is that of the last pass.
    """

    seen: list[Seen] = field(default_factory=list)

    @property
    def last(self) -> Seen:
        """What was seen in the last pass; where nobody read the rows yet, they are read for it."""
        if not self.seen:
            for _ in self.frames():
                pass
        return self.seen[-1]


def watch(table: Table) -> Watched:
    """Watch the rows of a table; one that is watched already stays as it is."""
    if isinstance(table, Watched):
        return table
    passes: list[Seen] = []

    def frames() -> Iterator[Block]:
        seen = Seen()
        for block in table.frames():
            seen.look(block, table.shown)
            yield block
        passes[:] = [seen]

    own = {each.name: getattr(table, each.name) for each in fields(Table)}
    return Watched(**(own | {"frames": frames}), seen=passes)


def first_steps(seen: Seen) -> dict[str, Any]:
    """Give what the first row says of time, level and period, where places come several times; nothing else."""
    if seen.more or seen.rows <= len(seen.features):
        return {}
    first = seen.head[0].iloc[:1]
    told = {name: plain_column(first[name])[0] for name in STEPS if name in first.columns}
    return {name: value for name, value in told.items() if value is not None}
