"""The statistics of a variable in zones: sums in one pass along what is stored, ordered values zone by zone."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from gaia_processes.errors import DatasetUnsuitable
from gaia_processes.shared.aside import HELD_BYTES, let_go, make_array
from gaia_processes.shared.coverage import Coverage, Floats
from gaia_processes.shared.order import select_quantile
from gaia_processes.shared.statistics import quantile_by_weight
from gaia_processes.shared.zonal import (
    GREATEST,
    LEAST,
    ORIGIN,
    SHARE,
    SHARED,
    SQUARES,
    WEIGHED,
    WEIGHT,
    Stretches,
    add_block,
    gather_block,
    start_sums,
)
from gaia_processes.text import Text
from gaia_processes.zonal_statistics.maps import Batch, Maps, ahead, size_of
from gaia_processes.zonal_statistics.names import BY_WEIGHTS, CLASSED, ORDERED, class_name, quantile_name

type Columns = dict[str, Floats]
type Tell = Callable[[float], None]

_GATHERED_CELLS = 2**22
_MOST_VALUES = 2**22
_MOST_CLASSES = 1000
_TIE = 1e-9
_HIDDEN_STEPS = 512


@dataclass(frozen=True, kw_only=True, slots=True)
class Wanted:
    """
    What is asked of each zone.

    Attributes
    ----------
    statistics : tuple of str
    quantiles : tuple of float
        0 to 1.
    classes : tuple of float or None
        Those that have a column; None for all that there are.
    least : float
        Below this share of valid cells a statistic is missing.
    """

    statistics: tuple[str, ...]
    quantiles: tuple[float, ...]
    classes: tuple[float, ...] | None
    least: float

    @property
    def needs_order(self) -> bool:
        """Whether values are needed one by one."""
        return bool(ORDERED & set(self.statistics))


@dataclass(frozen=True, kw_only=True, slots=True)
class Weighed:
    """
    Zones laid over a grid.

    Attributes
    ----------
    coverage : Coverage
    weights : array of float, shape (stretches,)
        Of the cells of each stretch.
    areas_km2 : array of float, shape (stretches,), or None
        The same in km2, where areas are asked for.
    """

    coverage: Coverage
    weights: Floats
    areas_km2: Floats | None

    @property
    def whole(self) -> Floats:
        """Add up the shares of all cells of each zone."""
        owners = np.repeat(np.arange(self.coverage.zones), np.diff(self.coverage.starts))
        lengths = self.coverage.last - self.coverage.first
        whole: Floats = np.bincount(owners, self.coverage.shares * lengths, minlength=self.coverage.zones)
        return whole


def statistics_of(maps: Maps, zones: Weighed, wanted: Wanted, *, weights: Maps | None, tell: Tell) -> Columns:
    """
    Compute the statistics of a variable.

    Parameters
    ----------
    maps : Maps
    zones : Weighed
    wanted : Wanted
    weights : Maps, optional
        Of the variable of weights; along rows and columns alone, or along the same steps.
    tell : callable
        Is told which share of the work is done.

    Returns
    -------
    dict of arrays of float, shape (*steps, zones)
        By the end of the column's name; NaN where a statistic is missing.
    """
    passes = 1 + wanted.needs_order + (weights is not None)
    made = _sums(maps, zones, wanted, lambda done: tell(done / passes))
    if wanted.needs_order:
        made |= _ordered(maps, zones, wanted, lambda done: tell((1 + done) / passes))
    if weights is not None and BY_WEIGHTS & set(wanted.statistics):
        made |= _by_weights(maps, weights, zones, lambda done: tell((passes - 1 + done) / passes))
    if wanted.least > 0:
        _hide(made, wanted.least)
    return made


def _hide(made: Columns, least: float) -> None:
    """Take away what too little of a zone is known of, some steps at a time."""
    coverage = made["coverage"]
    steps = len(coverage) if coverage.ndim > 1 else 1
    for at in range(0, steps, _HIDDEN_STEPS):
        part = slice(at, at + _HIDDEN_STEPS) if coverage.ndim > 1 else slice(None)
        too_little = coverage[part] < least - _TIE
        for name, values in made.items():
            if name != "coverage":
                values[part][too_little] = np.nan
            let_go(values)


# --- blocks ---------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, kw_only=True, slots=True)
class _Block:
    """Cells of zones that are read at once."""

    batch: Batch
    rows: slice
    columns: slice
    own: Stretches
    is_last: bool


def _blocks(maps: Maps, stretches: Stretches) -> Iterator[_Block]:
    """Cut the work into blocks: batches of steps, bands of rows within each."""
    if not len(stretches.rows):
        return
    rows = slice(int(stretches.rows.min()), int(stretches.rows.max()) + 1)
    columns = _columns_of(stretches)
    width = columns.stop - columns.start
    batches = list(maps.batches(rows.stop - rows.start, width))
    steps = max(each.steps.stop - each.steps.start for each in batches)
    bands = _by_band(stretches, maps.bands(rows, width, steps))
    parts = [pane for band in bands for pane in _by_pane(maps, *band, steps)]
    for batch in batches:
        for at, (band, across, own) in enumerate(parts):
            yield _Block(batch=batch, rows=band, columns=across, own=own, is_last=at + 1 == len(parts))


def _columns_of(stretches: Stretches) -> slice:
    return slice(int(stretches.first.min()), int(stretches.last.max()))


def _by_band(stretches: Stretches, bands: list[slice]) -> Iterator[tuple[slice, slice, Stretches]]:
    """Give the stretches of each band of rows, and which columns they need; bands without any are left out."""
    order = np.argsort(stretches.rows, kind="stable")
    ordered = stretches.rows[order]
    for band in bands:
        begin, end = np.searchsorted(ordered, [band.start, band.stop])
        if end > begin:
            own = stretches.take(order[begin:end])
            yield slice(int(ordered[begin]), int(ordered[end - 1]) + 1), _columns_of(own), own


def _by_pane(
    maps: Maps, rows: slice, columns: slice, own: Stretches, steps: int
) -> Iterator[tuple[slice, slice, Stretches]]:
    """Give the stretches of each part of a band, where it is too large to be read at once."""
    panes = list(maps.panes(rows, columns, steps))
    for pane in panes:
        part = own if len(panes) == 1 else own.within(*pane)
        if len(part.rows):
            yield slice(int(part.rows.min()), int(part.rows.max()) + 1), _columns_of(part), part


def _read(maps: Maps, block: _Block) -> NDArray[np.floating]:
    return maps.read(block.batch, block.rows, block.columns)


def _places(maps: Maps, batch: Batch) -> tuple[int | slice, ...]:
    """Say where the steps of a batch belong in a result."""
    others = iter(batch.others)
    return tuple(batch.steps if dim == maps.walked else next(others) for dim in maps.leading)


# --- sums -----------------------------------------------------------------------------------------------------------


def _sums(maps: Maps, zones: Weighed, wanted: Wanted, tell: Tell) -> Columns:
    stretches = Stretches.of(zones.coverage, zones.weights)
    asked = set(wanted.statistics)
    squares, extremes = bool(asked & {"stdev", "variance"}), bool(asked & {"min", "max"})
    count = zones.coverage.zones
    whole = zones.whole
    names = [each for each in wanted.statistics if each not in ORDERED | BY_WEIGHTS]
    columns = tuple(dict.fromkeys([*names, "coverage"]))
    in_file = is_laid_aside(len(columns), maps.shape, count)
    made = {name: make_column(maps.shape, count, in_file=in_file) for name in columns}
    blocks = list(_blocks(maps, stretches))
    if not blocks:
        for name, column in made.items():
            column[...] = 0.0 if name in {"count", "sum"} else np.nan
    sums: Floats | None = None
    for at, (block, values) in enumerate(ahead(blocks, lambda each: _read(maps, each))):
        sums = start_sums(values.shape[0], count) if sums is None else sums
        add_block(values, (block.rows.start, block.columns.start), block.own, sums, squares=squares, extremes=extremes)
        del values
        if block.is_last:
            _finish(sums, made, whole, _places(maps, block.batch), stepped=maps.walked is not None)
            sums = None
        tell((at + 1) / len(blocks))
    return made


def _finish(sums: Floats, made: Columns, whole: Floats, places: tuple[int | slice, ...], *, stepped: bool) -> None:
    """Turn sums into statistics."""
    found = _Found(sums, whole)
    for name, values in made.items():
        numbers = found.get(name).T
        values[places] = numbers if stepped else numbers[0]
        let_go(values)


class _Found:
    """The statistics of some steps, shape (zones, steps), from their sums."""

    def __init__(self, sums: Floats, whole: Floats) -> None:
        self._sums, self._whole = sums, whole[:, np.newaxis]
        self._share, self._origin = sums[:, SHARE], sums[:, ORIGIN]
        self._there = self._share > 0

    def get(self, name: str) -> Floats:
        """Give one of them."""
        made: dict[str, Callable[[], Floats]] = {
            "count": lambda: self._share,
            "sum": self._total,
            "mean": lambda: self._or_nan(self._origin + self._middle()),
            "variance": lambda: self._or_nan(self._variance()),
            "stdev": lambda: self._or_nan(np.sqrt(self._variance())),
            "min": lambda: self._or_nan(self._sums[:, LEAST]),
            "max": lambda: self._or_nan(self._sums[:, GREATEST]),
            "coverage": self._coverage,
        }
        with np.errstate(invalid="ignore", divide="ignore"):
            return made[name]()

    def _or_nan(self, values: Floats) -> Floats:
        return np.where(self._there, values, np.nan)

    def _total(self) -> Floats:
        return np.where(self._there, self._sums[:, SHARED] + self._origin * self._share, 0.0)

    def _middle(self) -> Floats:
        middle: Floats = self._sums[:, WEIGHED] / self._sums[:, WEIGHT]
        return middle

    def _variance(self) -> Floats:
        variance: Floats = np.maximum(self._sums[:, SQUARES] / self._sums[:, WEIGHT] - self._middle() ** 2, 0.0)
        return variance

    def _coverage(self) -> Floats:
        return np.where(self._whole > 0, np.minimum(self._share / self._whole, 1.0), np.nan)


def is_laid_aside(columns: int, shape: tuple[int, ...], zones: int) -> bool:
    """Tell whether so many columns are too large for memory."""
    return size_of((columns, *shape, zones)) * np.dtype(np.float64).itemsize > HELD_BYTES


def make_column(shape: tuple[int, ...], zones: int, *, in_file: bool) -> Floats:
    """Make a column of zeros, shape (*steps, zones); the steps of a zone lie behind each other, as rows are written."""
    column = make_array((zones, *shape), np.float64, in_file=in_file)
    if not in_file:
        column[...] = 0.0
    return np.moveaxis(column, 0, -1)


def _by_weights(maps: Maps, weights: Maps, zones: Weighed, tell: Tell) -> Columns:
    """Weigh the values of cells by another variable; a cell without a weight counts as missing."""
    stretches = Stretches.of(zones.coverage, np.ones_like(zones.weights))
    count = zones.coverage.zones
    made = {"weighted_mean": np.full((*maps.shape, count), np.nan), "weighted_sum": np.zeros((*maps.shape, count))}
    blocks = list(_blocks(maps, stretches))
    products = bare = None

    def read(block: _Block) -> tuple[NDArray[np.floating], NDArray[np.floating]]:
        own = block.batch if weights.leading else Batch(others=(), steps=slice(0, 1))
        factor = weights.read(own, block.rows, block.columns)
        values = _read(maps, block)
        return values.astype(np.float64) * factor, np.where(
            np.isnan(values), np.nan, np.broadcast_to(factor, values.shape)
        ).astype(np.float64)

    for at, (block, (product, factor)) in enumerate(ahead(blocks, read)):
        if products is None or bare is None:
            products, bare = start_sums(product.shape[0], count), start_sums(product.shape[0], count)
        corner = (block.rows.start, block.columns.start)
        add_block(product, corner, block.own, products, squares=False, extremes=False)
        add_block(np.where(np.isnan(product), np.nan, factor), corner, block.own, bare, squares=False, extremes=False)
        if block.is_last:
            total, weight = (
                (each[:, SHARED] + np.nan_to_num(each[:, ORIGIN]) * each[:, SHARE]).T for each in (products, bare)
            )
            with np.errstate(invalid="ignore", divide="ignore"):
                mean = np.where(weight != 0, total / weight, np.nan)
            places, stepped = _places(maps, block.batch), maps.walked is not None
            made["weighted_sum"][places] = total if stepped else total[0]
            made["weighted_mean"][places] = mean if stepped else mean[0]
            products = bare = None
        tell((at + 1) / len(blocks))
    return made


# --- ordered values -------------------------------------------------------------------------------------------------


def _ordered(maps: Maps, zones: Weighed, wanted: Wanted, tell: Tell) -> Columns:
    cells = zones.coverage.cells()
    made = _Made(maps.shape, zones.coverage.zones, wanted)
    groups = list(_groups(cells))
    for at, group in enumerate(groups):
        part = _part(zones, group)
        if len(group) == 1 and cells[group[0]] > _GATHERED_CELLS:
            _order_large(maps, part, int(group[0]), wanted, made)
        else:
            _order_group(maps, part, group, wanted, made)
        tell((at + 1) / len(groups))
    return made.columns()


def _groups(cells: NDArray[np.int64]) -> Iterator[NDArray[np.int64]]:
    """Cut zones into groups of a bounded number of cells, or of a single zone where that is larger."""
    places = np.arange(len(cells))
    group, held = list[int](), 0
    for at in places:
        if group and held + cells[at] > _GATHERED_CELLS:
            yield np.array(group, dtype=np.int64)
            group, held = [], 0
        group.append(int(at))
        held += int(cells[at])
    if group:
        yield np.array(group, dtype=np.int64)


def _part(zones: Weighed, group: NDArray[np.int64]) -> Weighed:
    begin, end = zones.coverage.starts[group[0]], zones.coverage.starts[group[-1] + 1]
    return Weighed(
        coverage=zones.coverage.of(group),
        weights=zones.weights[begin:end],
        areas_km2=None if zones.areas_km2 is None else zones.areas_km2[begin:end],
    )


class _Made:
    """Columns of ordered statistics; those of classes come as classes are met."""

    def __init__(self, shape: tuple[int, ...], zones: int, wanted: Wanted) -> None:
        self._shape = (*shape, zones)
        self._wanted = wanted
        plain = [each for each in wanted.statistics if each in ORDERED - CLASSED - {"quantile"}]
        if "quantile" in wanted.statistics:
            plain += [quantile_name(share) for share in wanted.quantiles]
        self._plain = {name: np.full(self._shape, np.nan) for name in plain}
        if "variety" in self._plain:
            self._plain["variety"][:] = 0.0
        self._classes: dict[tuple[str, float], Floats] = {}
        self._known = np.zeros(self._shape, dtype=bool)
        for value in wanted.classes or ():
            for prefix in self.prefixes:
                self._class(prefix, value)

    @property
    def prefixes(self) -> tuple[str, ...]:
        return tuple(
            name for each, name in (("fractions", "frac"), ("areas", "area")) if each in self._wanted.statistics
        )

    @property
    def plain(self) -> Columns:
        return self._plain

    def _class(self, prefix: str, value: float) -> Floats:
        key = (prefix, value)
        if key not in self._classes:
            if len(self._classes) >= _MOST_CLASSES * max(len(self.prefixes), 1):
                raise _too_many_classes(_MOST_CLASSES)
            self._classes[key] = np.zeros(self._shape)
        return self._classes[key]

    def put_class(self, prefix: str, value: float, places: tuple[int | slice, ...], amount: Floats | float) -> None:
        """Note the share or area of a class; those that were not asked for are left out."""
        if self._wanted.classes is None or value in self._wanted.classes:
            self._class(prefix, value)[places] = amount

    def put_known(self, places: tuple[int | slice, ...], known: NDArray[np.bool_] | bool) -> None:
        """Note where there are values at all."""
        self._known[places] = known

    def columns(self) -> Columns:
        """Give all; fractions are missing where no cell is valid."""
        made = dict(self._plain)
        for (prefix, value), amount in sorted(
            self._classes.items(), key=lambda each: (each[0][0] != "frac", each[0][1])
        ):
            made[class_name(prefix, value)] = np.where(self._known, amount, np.nan if prefix == "frac" else 0.0)
        return made


def _too_many_classes(most: int) -> DatasetUnsuitable:
    return DatasetUnsuitable(
        Text(
            en=f"The zones have more than {most} different values, too many for a column each; name those you want in "
            "`classes`, or leave fractions and areas out.",
            fr=f"Les zones ont plus de {most} valeurs différentes, trop pour une colonne chacune ; nommez celles que vous voulez "
            "dans `classes`, ou n'indiquez pas fractions ni areas.",
        )
    )


def _order_group(maps: Maps, zones: Weighed, group: NDArray[np.int64], wanted: Wanted, made: _Made) -> None:
    """Gather the values of some zones, then order those of each."""
    coverage = zones.coverage
    stretches = Stretches.of(coverage, zones.weights)
    lengths = coverage.last - coverage.first
    shares = np.repeat(coverage.shares, lengths)
    weights = shares * np.repeat(zones.weights, lengths)
    areas = None if zones.areas_km2 is None else shares * np.repeat(zones.areas_km2, lengths)
    ends = np.concatenate([[0], np.cumsum(coverage.cells())])
    if not ends[-1]:
        return
    values: NDArray[np.float64] | None = None
    blocks = list(_blocks_within(maps, stretches, int(ends[-1])))
    for block, read in ahead(blocks, lambda each: _read(maps, each)):
        if values is None:
            values = np.empty((read.shape[0], int(ends[-1])))
        gather_block(read, (block.rows.start, block.columns.start), block.own, 0, values)
        if block.is_last:
            places = _places(maps, block.batch)
            for own, zone in enumerate(group):
                which = slice(int(ends[own]), int(ends[own + 1]))
                if which.stop > which.start:
                    _order_zone(
                        values[:, which], weights[which], None if areas is None else areas[which], wanted, made,
                        (*places, int(zone)), stepped=maps.walked is not None,
                    )  # fmt: skip
            values = None


def _blocks_within(maps: Maps, stretches: Stretches, cells: int) -> Iterator[_Block]:
    """Cut the work into blocks of so few steps that all values of a batch can be held."""
    most = max(4 * _GATHERED_CELLS // max(cells, 1), 1)
    for block in _blocks(maps, stretches):
        steps = block.batch.steps
        if steps.stop - steps.start <= most:
            yield block
            continue
        yield from _shorter(maps, stretches, most)
        return


def _shorter(maps: Maps, stretches: Stretches, most: int) -> Iterator[_Block]:
    everything = list(_blocks(maps, stretches))
    batches = list(
        dict.fromkeys((each.batch.others, each.batch.steps.start, each.batch.steps.stop) for each in everything)
    )
    parts = [each for each in everything if each.batch == everything[0].batch]
    for others, start, stop in batches:
        for begin in range(start, stop, most):
            batch = Batch(others=others, steps=slice(begin, min(begin + most, stop)))
            for part in parts:
                yield _Block(batch=batch, rows=part.rows, columns=part.columns, own=part.own, is_last=part.is_last)


def _order_zone(
    values: Floats, weights: Floats, areas: Floats | None, wanted: Wanted, made: _Made,
    places: tuple[int | slice, ...], *, stepped: bool,
) -> None:  # fmt: skip
    """Note the ordered statistics of a zone at some steps; values have the shape (steps, cells)."""

    def put(name: str, numbers: Floats) -> None:
        made.plain[name][places] = numbers if stepped else numbers[0]

    for name, share in _shares_of(wanted):
        put(name, quantile_by_weight(values, weights, share))
    valid = ~np.isnan(values)
    known = valid.any(axis=1)
    made.put_known(places, known if stepped else known[0])
    if not {"majority", "minority", "variety", "fractions", "areas"} & set(wanted.statistics):
        return
    kinds, which = np.unique(values[valid], return_inverse=True)
    if not len(kinds):
        return
    step = np.nonzero(valid)[0]
    if len(kinds) * len(values) <= _GATHERED_CELLS:
        heaps = _heap(step, which, np.broadcast_to(weights, values.shape)[valid], len(values), len(kinds))
        _note_kinds(kinds, heaps, wanted, put)
        if {"fractions", "areas"} & set(wanted.statistics):
            _note_classes(kinds, heaps, values, valid, step, which, areas, wanted, made, places, stepped=stepped)
        return
    if made.prefixes:
        raise _too_many_classes(_MOST_CLASSES)
    rows = [_kinds_of(row, weights) for row in values]
    for name in {"majority", "minority", "variety"} & set(wanted.statistics):
        put(name, np.array([each[name] for each in rows]))


def _shares_of(wanted: Wanted) -> Iterator[tuple[str, float]]:
    if "median" in wanted.statistics:
        yield "median", 0.5
    if "quantile" in wanted.statistics:
        yield from ((quantile_name(share), share) for share in wanted.quantiles)


def _heap(step: NDArray[np.intp], kind: NDArray[np.intp], amounts: Floats, steps: int, kinds: int) -> Floats:
    """Add up amounts by step and kind."""
    heaps: Floats = np.bincount(step * kinds + kind, amounts, minlength=steps * kinds).reshape(steps, kinds)
    return heaps


def _note_kinds(kinds: Floats, heaps: Floats, wanted: Wanted, put: Callable[[str, Floats], None]) -> None:
    """Note the commonest and the rarest value, of equals the smallest, and how many there are."""
    total = heaps.sum(axis=1, keepdims=True)
    there = total[:, 0] > 0
    if "majority" in wanted.statistics:
        best = heaps.max(axis=1, keepdims=True)
        put("majority", np.where(there, kinds[(heaps >= best - _TIE * total).argmax(axis=1)], np.nan))
    if "minority" in wanted.statistics:
        met = np.where(heaps > 0, heaps, np.inf)
        least = met.min(axis=1, keepdims=True)
        put("minority", np.where(there, kinds[(met <= least + _TIE * total).argmax(axis=1)], np.nan))
    if "variety" in wanted.statistics:
        put("variety", (heaps > 0).sum(axis=1).astype(np.float64))


def _note_classes(
    kinds: Floats, heaps: Floats, values: Floats, valid: NDArray[np.bool_], step: NDArray[np.intp],
    which: NDArray[np.intp], areas: Floats | None, wanted: Wanted, made: _Made, places: tuple[int | slice, ...], *,
    stepped: bool,
) -> None:  # fmt: skip
    if "fractions" in wanted.statistics:
        total = heaps.sum(axis=1, keepdims=True)
        fractions = np.divide(heaps, total, out=np.zeros_like(heaps), where=total > 0)
        for at, kind in enumerate(kinds):
            made.put_class("frac", float(kind), places, fractions[:, at] if stepped else fractions[0, at])
    if areas is not None:
        amounts = _heap(step, which, np.broadcast_to(areas, values.shape)[valid], len(values), len(kinds))
        for at, kind in enumerate(kinds):
            made.put_class("area", float(kind), places, amounts[:, at] if stepped else amounts[0, at])


def _kinds_of(row: Floats, weights: Floats) -> dict[str, float]:
    found: dict[str, float] = {"majority": np.nan, "minority": np.nan, "variety": 0.0}
    valid = ~np.isnan(row)
    if not valid.any():
        return found
    kinds, which = np.unique(row[valid], return_inverse=True)
    heaps = np.bincount(which, weights[valid])[np.newaxis]
    wanted = Wanted(statistics=("majority", "minority", "variety"), quantiles=(), classes=None, least=0.0)
    _note_kinds(kinds, heaps, wanted, lambda name, numbers: found.__setitem__(name, float(numbers[0])))
    return found


# --- zones that do not fit into memory ------------------------------------------------------------------------------


def _order_large(maps: Maps, zones: Weighed, zone: int, wanted: Wanted, made: _Made) -> None:
    """Order the values of a zone that cannot be held: by passes over them, and by the sums of its different values."""
    stretches = Stretches.of(zones.coverage, zones.weights)
    areas = None if zones.areas_km2 is None else Stretches.of(zones.coverage, zones.areas_km2)
    blocks = list(_shorter(maps, stretches, 1))
    for batch in dict.fromkeys((each.batch.others, each.batch.steps.start) for each in blocks):
        own = [each for each in blocks if (each.batch.others, each.batch.steps.start) == batch]
        _order_step(maps, own, areas, (*_places(maps, own[0].batch), zone), wanted, made)


def _order_step(
    maps: Maps, own: list[_Block], areas: Stretches | None, places: tuple[int | slice, ...], wanted: Wanted, made: _Made
) -> None:
    """Note the ordered statistics of one zone at one step."""

    def put(name: str, numbers: Floats) -> None:
        made.plain[name][places] = numbers[0]

    for name, share in _shares_of(wanted):
        put(name, np.array([select_quantile(lambda: _pieces(maps, own), share)]))
    if not {"majority", "minority", "variety", "fractions", "areas"} & set(wanted.statistics):
        return
    kinds, heap = _count_kinds(_pieces(maps, own))
    made.put_known(places, len(kinds) > 0)
    if not len(kinds):
        return
    _note_kinds(kinds, heap[np.newaxis], wanted, put)
    if "fractions" in wanted.statistics:
        _put_classes("frac", kinds, heap / heap.sum(), places, made)
    if areas is not None and "areas" in wanted.statistics:
        parts = [replace(each, own=part) for each, part in zip(own, _same_bands(areas, own), strict=True)]
        _put_classes("area", *_count_kinds(_pieces(maps, parts)), places, made)


def _put_classes(prefix: str, kinds: Floats, amounts: Floats, places: tuple[int | slice, ...], made: _Made) -> None:
    for kind, amount in zip(kinds, amounts, strict=True):
        made.put_class(prefix, float(kind), places, float(amount))


def _same_bands(stretches: Stretches, blocks: list[_Block]) -> Iterator[Stretches]:
    order = np.argsort(stretches.rows, kind="stable")
    ordered = stretches.rows[order]
    for block in blocks:
        begin, end = np.searchsorted(ordered, [block.rows.start, block.rows.stop])
        yield stretches.take(order[begin:end]).within(block.rows, block.columns)


def _pieces(maps: Maps, blocks: list[_Block]) -> Iterator[tuple[Floats, Floats]]:
    """Give the values of one step and their weights, band by band."""
    for block, read in ahead(blocks, lambda each: _read(maps, each)):
        own = block.own
        lengths = own.last - own.first
        offsets = np.cumsum(lengths) - lengths
        values = np.empty((1, int(lengths.sum())))
        placed = Stretches(
            zones=own.zones, rows=own.rows, first=own.first, last=own.last, shares=own.shares, weights=own.weights,
            offsets=offsets.astype(np.int64),
        )  # fmt: skip
        gather_block(read, (block.rows.start, block.columns.start), placed, 0, values)
        valid = ~np.isnan(values[0])
        yield values[0][valid], np.repeat(own.shares * own.weights, lengths)[valid]


def _count_kinds(pieces: Iterator[tuple[Floats, Floats]]) -> tuple[Floats, Floats]:
    """Add up the weights of each different value."""
    kinds, heap = np.zeros(0), np.zeros(0)
    for values, weights in pieces:
        kinds, which = np.unique(np.concatenate([kinds, values]), return_inverse=True)
        heap = np.bincount(which, np.concatenate([heap, weights]), minlength=len(kinds))
        if len(kinds) > _MOST_VALUES:
            raise DatasetUnsuitable(
                Text(
                    en=f"A zone has more than {_MOST_VALUES} different values: its majority, minority, variety, fractions and "
                    "areas cannot be found; they are meant for categories.",
                    fr=f"Une zone a plus de {_MOST_VALUES} valeurs différentes : ses majority, minority, variety, fractions et "
                    "areas ne peuvent être trouvées ; elles sont faites pour des catégories.",
                )
            )
    return kinds, heap
