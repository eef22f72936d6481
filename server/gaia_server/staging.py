"""
What has to be brought to a centre so that it can do a work whose datasets lie apart. A pure function of the catalogue.

Of a dataset on a grid that portion is brought which the work needs (`Process.portion`), cut out by `subset` at a centre that holds it;
features and tables are brought whole. Where everything lies at one centre, nothing is brought.
"""

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

from pydantic import BaseModel

from gaia_config.catalogue import Federation
from gaia_config.datasets import Dataset
from gaia_processes.copy.describe import COPY
from gaia_processes.cube import Cube
from gaia_processes.formats import AS_IS, GEOTIFF, NETCDF
from gaia_processes.inputs.bbox import Bbox
from gaia_processes.inputs.dataset import CatalogueRef, DatasetReference
from gaia_processes.inputs.portion import ALL, Bounds, Portion
from gaia_processes.inputs.references import NamedReference
from gaia_processes.inputs.sources import role_of
from gaia_processes.process import Estimate, Process
from gaia_processes.reading import dump_inputs
from gaia_processes.subset.describe import SUBSET
from gaia_server.holders import centres_of, datasets_in

COPIED_BYTES_PER_S = 100e6
CELLS_AROUND = 3
"""So many cells around what is needed are brought too: neighbours count in interpolation, and a cell reaches beyond its centre."""
MORE_AROUND = 4
"""On other than regular grids cells differ: so many times as many are brought."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Bringing:
    """
    A dataset, or a portion of it, to be made ready for another centre.

    Attributes
    ----------
    reference : CatalogueRef
        With its version, as the inputs name it.
    process : Process
        What makes it ready, with its `inputs` and `formats`.
    holders : tuple of str
        Where that can be done.
    cost : Estimate
        `bytes_written` are those that travel, about.
    """

    reference: CatalogueRef
    process: Process
    inputs: dict[str, Any]
    formats: dict[str, str]
    holders: tuple[str, ...]
    cost: Estimate


@dataclass(frozen=True, kw_only=True, slots=True)
class Site:
    """A centre that could do a work, and what would have to be brought there."""

    centre: str
    brings: tuple[Bringing, ...] = ()

    @property
    def bytes_moved(self) -> int:
        """Bytes that would travel, about."""
        return sum(each.cost.bytes_written for each in self.brings)


def find_sites(
    process: Process, inputs: BaseModel, federation: Federation, *, centres: Collection[str]
) -> tuple[Site, ...]:
    """
    Find the centres that could do a work and to which least would have to be brought.

    Parameters
    ----------
    inputs : BaseModel
        With at least one dataset of the catalogue.
    centres : collection of str
        Those that there are.

    Returns
    -------
    tuple of Site
        By name; none where no centre that there is holds any of the datasets, or one of them lies nowhere.
    """
    named = datasets_in(inputs)
    references = [each.reference for each in named if isinstance(each.reference, CatalogueRef)]
    held = {each: centres_of(each, federation) for each in references}
    if not all(set(each) & set(centres) for each in held.values()):
        return ()
    everywhere = [centre for centre in sorted(centres) if all(centre in each for each in held.values())]
    if everywhere:
        return tuple(Site(centre=centre) for centre in everywhere)
    brings = {each.reference: each for each in _bringings(process, inputs, named, federation)}
    sites = [
        Site(centre=centre, brings=tuple(brings[each] for each in held if centre not in held[each]))
        for centre in sorted(centres)
        if any(centre in each for each in held.values())
    ]
    least = min(site.bytes_moved for site in sites)
    return tuple(site for site in sites if site.bytes_moved == least)


def _bringings(
    process: Process, inputs: BaseModel, named: tuple[NamedReference, ...], federation: Federation
) -> Iterator[Bringing]:
    """Say of each dataset how it would be made ready; what is named twice is brought once, with all that either needs."""

    def bounds_of(reference: DatasetReference) -> Bounds | None:
        dataset = federation.find(reference.id, reference.version) if isinstance(reference, CatalogueRef) else None
        return None if dataset is None else dataset.bbox

    portions: dict[CatalogueRef, Portion] = {}
    rows: set[CatalogueRef] = set()
    for each in named:
        reference = each.reference
        if not isinstance(reference, CatalogueRef):
            continue
        if role_of(type(inputs), each.input) != "grid":
            rows.add(reference)
        portion = process.portion(inputs, each, bounds_of)
        portions[reference] = portions[reference] | portion if reference in portions else portion
    for reference, portion in portions.items():
        dataset = federation.find(reference.id, reference.version)
        if dataset is not None:
            yield _copy(reference, dataset) if reference in rows else _cut(reference, dataset, portion)


def _copy(reference: CatalogueRef, dataset: Dataset) -> Bringing:
    size_bytes = dataset.replicas[0].size_bytes
    return Bringing(
        reference=reference,
        process=COPY,
        inputs={"dataset": str(reference)},
        formats={"file": AS_IS.id},
        holders=tuple(each.centre for each in dataset.replicas),
        cost=Estimate(bytes_read=size_bytes, bytes_written=size_bytes, seconds=0.1 + size_bytes / COPIED_BYTES_PER_S),
    )


def _cut(reference: CatalogueRef, dataset: Dataset, portion: Portion) -> Bringing:
    """Cut out what is needed; where nothing of the dataset lies there all of it is brought, so that the work finds out by itself."""
    cube = Cube.from_stac(dataset.properties)
    tries = (portion, replace(portion, bounds=None), ALL)
    inputs = next(each for each in (_subset(reference, one, cube) for one in tries) if each is not None)
    is_image = dataset.replicas[0].media_type.startswith("image/tiff")
    fits = is_image and SUBSET.check_format(inputs, cube, GEOTIFF) is None
    return Bringing(
        reference=reference,
        process=SUBSET,
        inputs=dump_inputs(inputs),
        formats={"data": (GEOTIFF if fits else NETCDF).id},
        holders=tuple(each.centre for each in dataset.replicas),
        cost=SUBSET.estimate(inputs, cube),
    )


def _subset(reference: CatalogueRef, portion: Portion, cube: Cube) -> BaseModel | None:
    """Write the inputs of `subset` that cut a portion out; None where they would find nothing."""
    chosen: Mapping[str, object] = {
        "variables": portion.variables,
        "bbox": None if portion.bounds is None else _grown(portion.bounds, cube),
        "datetime": portion.datetime,
    }
    inputs = SUBSET.inputs.model_validate({"dataset": reference, **chosen})
    return inputs if portion == ALL or not SUBSET.check(inputs, cube) else None


def _grown(bounds: Bounds, cube: Cube) -> Bbox | None:
    """Let a box grow by some cells on each side; None where it is not known how large these are, or the box goes round the earth."""
    cell = _cell_deg(cube)
    if cell is None:
        return None
    west, south, east, north = bounds
    width = (east - west) % 360 if east != west else 0.0
    around = CELLS_AROUND * (1 if cube.grid == "regular" else MORE_AROUND)
    grow_x, grow_y = around * cell[0], around * cell[1]
    if east - west >= 360 or width + 2 * grow_x >= 360:
        west, width, grow_x = -180.0, 360.0, 0.0
    low, high = max(south - grow_y, -90.0), min(north + grow_y, 90.0)
    return Bbox(west=west - grow_x, south=low, east=west + width + grow_x, north=high) if low <= high else None


def _cell_deg(cube: Cube) -> tuple[float, float] | None:
    """Tell how wide and high a cell is, about, in degrees."""
    x, y = cube.find_axis("x"), cube.find_axis("y")
    if cube.bbox is None or x is None or y is None or min(x[1].size, y[1].size) < 2:
        return None
    west, south, east, north = cube.bbox
    width = east - west if east >= west else east - west + 360
    return width / (x[1].size - 1), (north - south) / (y[1].size - 1)
