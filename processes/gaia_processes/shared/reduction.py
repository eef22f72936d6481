"""
A variable reduced over cells and steps, read when its values are asked for: one pass along the stored chunks.

What is read at a time is bounded, whatever the length of the record; what is held is the result of the cells that are
asked for. Steps are taken in the order in which they are stored, cells of a step before steps.
"""

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import product
from typing import Any

import numpy as np
import xarray as xr
from numpy.typing import NDArray
from xarray.backends import BackendArray
from xarray.core.indexing import ExplicitIndexer, IndexingSupport, explicit_indexing_adapter

from gaia_processes.shared.chunk_sums import ChunkSums, Use, Wanted, plan_sums
from gaia_processes.shared.lazy import Key, find_cuts, index_vectors
from gaia_processes.shared.order import select_quantile
from gaia_processes.shared.periods import Periods
from gaia_processes.shared.statistics import (
    CellSums,
    Floats,
    Gathers,
    Mask,
    Numbers,
    Sample,
    close_cells,
    gather_cells,
    gatherer,
    merge_cells,
    quantile_by_weight,
    quantile_of_steps,
)
from gaia_processes.shared.values import find_invalid, find_packing, is_surely_whole

_READ_BYTES = 2**21
_ALIKE_BYTES = 2**25
_HELD_BYTES = 2**26
"""Of values that quantiles are taken of; more are done part by part."""

_POOLED_BYTES = 2**27
"""Of sums that are held at once where the steps of a chunk belong to many periods."""

type Places = NDArray[np.intp]


# --- what a variable holds ------------------------------------------------------------------------------------------


@dataclass(frozen=True, kw_only=True, slots=True)
class Values:
    """Numbers as they are meant, and where there are some."""

    numbers: Numbers
    valid: Mask


def decode(stored: Numbers, attrs: dict[str, Any]) -> Values:
    """
    Unpack stored numbers; floats that are not packed stay as they are.

    Parameters
    ----------
    stored : array
        As in the file.
    attrs : dict
        Attributes of their variable.

    Returns
    -------
    Values
        NaN, infinite, `_FillValue`, `missing_value` and what `valid_range`, `valid_min`, `valid_max` exclude count as
        missing (CF 2.5.1).
    """
    valid = None if is_surely_whole(stored, attrs) else ~find_invalid(stored, attrs)
    packing = find_packing(attrs)
    numbers = stored if packing is None else stored * np.float64(packing[0]) + packing[1]
    return Values(numbers=numbers, valid=None if valid is None or valid.all() else valid)


# --- the plan -------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, kw_only=True, slots=True)
class Cells:
    """
    The cells of each step that become one value.

    Attributes
    ----------
    dims : tuple of str
        Their dimensions.
    weights : array of float
        Along these dimensions; 0 leaves a cell out.
    least : float
        Share of the weight that must be valid.
    """

    dims: tuple[str, ...]
    weights: Floats
    least: float


@dataclass(frozen=True, kw_only=True, slots=True)
class Times:
    """
    The steps that become one value.

    Attributes
    ----------
    dim : str
        Their dimension.
    periods : Periods
        To which each belongs.
    weights : array of float, shape (steps,)
        By which steps are weighed.
    lengths : array of float, shape (steps,), or None
        By which a rate is multiplied before it is summed.
    least : float
        Share of the weight of a period that must be valid.
    over_years : Periods or None
        What of `periods` is averaged over the years, as if they were steps; None where they are the result.
    """

    dim: str
    periods: Periods
    weights: Floats
    lengths: Floats | None
    least: float
    over_years: Periods | None = None

    @property
    def result(self) -> Periods:
        """The periods of the result."""
        return self.periods if self.over_years is None else self.over_years


@dataclass(frozen=True, kw_only=True, slots=True)
class Plan:
    """
    How a variable is reduced.

    Attributes
    ----------
    statistic : str
        `mean`, `sum`, `min`, `max`, `std`, `var`, `count` or `quantile`.
    cells, times : Cells, Times, or None
        What is reduced; not both None.
    ddof : int
        Degrees of freedom that a variance takes off.
    quantile : float
        0 to 1.
    """

    statistic: str
    cells: Cells | None
    times: Times | None
    ddof: int = 0
    quantile: float = 0.5


type Tell = Callable[[int], None]
"""Is told how many bytes of values were worked on."""


class Reduction:
    """
    A variable and how it is reduced.

    Parameters
    ----------
    source : xarray.Variable
        Undecoded and lazy.
    plan : Plan
        For it.
    tell : callable
        Hears of progress.
    """

    def __init__(self, source: xr.Variable, plan: Plan, tell: Tell) -> None:
        self.source, self.plan, self._tell = source, plan, tell
        dims = tuple(str(dim) for dim in source.dims)
        self.dims = dims
        inner = plan.cells.dims if plan.cells else ()
        self.kept = tuple(dim for dim in dims if dim not in inner and (plan.times is None or dim != plan.times.dim))
        self.time = plan.times.dim if plan.times else None
        # A step after the other is what cells are reduced by, whether or not steps are reduced themselves.
        self._walked = self.time or (self.kept[0] if self.kept else None)
        cuts = find_cuts(source)
        self._chunks = dict(zip(dims, cuts[0], strict=True)) if cuts else dict.fromkeys(dims, 1)
        self._starts = dict(zip(dims, cuts[1], strict=True)) if cuts else {}
        self._inner_weights = self._lay_out_weights()
        self._reader: ThreadPoolExecutor | None = None

    def _ahead[T, R](self, items: list[T], load: Callable[[T], R]) -> Iterator[tuple[T, R]]:
        """Load one thing while the one before is worked on; the thread that does it goes with the reduction."""
        if len(items) < 2:
            yield from ((item, load(item)) for item in items)
            return
        if self._reader is None:
            self._reader = ThreadPoolExecutor(1)
        coming = self._reader.submit(load, items[0])
        for at, item in enumerate(items):
            loaded = coming.result()
            if at + 1 < len(items):
                coming = self._reader.submit(load, items[at + 1])
            yield item, loaded

    def _lay_out_weights(self) -> Floats | None:
        """Bring the weights of the cells into the order in which the source has their dimensions."""
        cells = self.plan.cells
        if cells is None:
            return None
        own = [dim for dim in self.dims if dim in cells.dims]
        return np.ascontiguousarray(cells.weights.transpose([cells.dims.index(dim) for dim in own]))

    # --- shape ------------------------------------------------------------------------------------------------------

    @property
    def result_dims(self) -> tuple[str, ...]:
        """Dimensions of the result, in the order of the source."""
        gone = set(self.plan.cells.dims) if self.plan.cells else set()
        return tuple(dim for dim in self.dims if dim not in gone)

    @property
    def result_shape(self) -> tuple[int, ...]:
        """Shape of the result."""
        sizes = dict(zip(self.dims, self.source.shape, strict=True))
        if self.plan.times is not None:
            sizes[self.plan.times.dim] = len(self.plan.times.result.key)
        return tuple(sizes[dim] for dim in self.result_dims)

    @property
    def result_chunks(self) -> tuple[int, ...]:
        """What of the result is best made at once: the cells of whole chunks, and the periods whose steps lie in one."""
        sizes = dict(zip(self.dims, self.source.shape, strict=True))
        chunks = dict(self._chunks)
        if self.plan.times is not None:
            dim, count = self.plan.times.dim, len(self.plan.times.result.key)
            pooled = self.plan.times.over_years is not None or not _is_in_order(self.plan.times.periods.owner)
            share = count * chunks[dim] // max(sizes[dim], 1)
            chunks[dim] = count if pooled and chunks[dim] > 1 else max(min(share, count), 1)
        gone = self.plan.cells.dims if self.plan.cells else ()
        own = {dim: min(max(chunks[dim], 1), sizes[dim]) for dim in self.dims if dim not in gone}
        beside = [dim for dim in own if dim != self.time]
        # Sums of many periods of large chunks would not fit: better to read such chunks more than once.
        while beside and _product(own.values()) * 2 * np.dtype(np.float64).itemsize > _POOLED_BYTES:
            widest = max(beside, key=lambda dim: own[dim])
            if own[widest] == 1:
                break
            own[widest] = -(-own[widest] // 2)
        return tuple(max(own[dim], 1) for dim in self.result_dims)

    @property
    def cost_bytes(self) -> int:
        """Bytes of values that must be looked at once."""
        return int(self.source.nbytes)

    # --- values -----------------------------------------------------------------------------------------------------

    def read(self, places: dict[str, Places]) -> Floats:
        """
        Give a part of the result.

        Parameters
        ----------
        places : dict of int arrays
            By the dimensions of the result.

        Returns
        -------
        array of float64
            In the order of `result_dims`; NaN where there is no value.
        """
        kept = {dim: places[dim] for dim in self.kept}
        if self.plan.statistic == "quantile":
            made = self._read_quantiles(kept, None if self.time is None else places[self.time])
        elif self.plan.times is None:
            made = self._read_cells(kept)
        else:
            made = self._read_periods(kept, places[self.plan.times.dim])
        order = (*(() if self.time is None else (self.time,)), *self.kept)
        turned: Floats = made.transpose([order.index(dim) for dim in self.result_dims])
        return turned

    def _read_cells(self, kept: dict[str, Places]) -> Floats:
        """Reduce cells alone; each step, or whatever dimension comes first, by itself."""
        shape = [len(kept[dim]) for dim in self.kept]
        if self._walked is None:
            (only,) = self._samples(kept, None)
            value: Floats = _as_numbers(only[1])[0]
            return value
        result = np.empty(shape)
        at = 0
        for _, sample in self._samples(kept, kept[self._walked]):
            part = _as_numbers(sample)
            result[at : at + len(part)] = part
            at += len(part)
        return result

    def _read_periods(self, kept: dict[str, Places], wanted: Places) -> Floats:
        """Reduce steps, after the cells of each."""
        times = self.plan.times
        assert times is not None  # noqa: S101 - for the type checker: whoever calls has looked
        shape = tuple(len(kept[dim]) for dim in self.kept)
        if times.over_years is None:
            result = np.empty((len(wanted), *shape))
            number_of = {int(period): at for at, period in enumerate(wanted)}

            def keep(period: int, value: Floats) -> None:
                result[number_of[period]] = value

            self._each_period(kept, wanted, shape, keep)
            return result
        years = times.over_years
        means = {int(key): gatherer("mean", shape) for key in wanted}

        def add(period: int, value: Floats) -> None:
            valid = np.isfinite(value)
            means[int(years.owner[period])].add(Sample(value=value, valid=None if valid.all() else valid), 1.0)

        self._each_period(kept, np.flatnonzero(np.isin(years.owner, wanted)), shape, add)
        return np.stack([means[int(key)].result(float(years.whole[key]), times.least) for key in wanted])

    def _each_period(self, kept: dict[str, Places], wanted: Places, shape: tuple[int, ...], use: Use) -> None:
        """Have the statistic of each period used as soon as its last step was read."""
        times = self.plan.times
        assert times is not None  # noqa: S101 - for the type checker: whoever calls has looked
        steps = np.flatnonzero(np.isin(times.periods.owner, wanted))
        along_chunks = self._plan_sums(kept, steps, times)
        if along_chunks is not None:
            along_chunks.run(lambda period, value: use(period, value.reshape(shape)), self._tell)
        else:
            for period, value in self._periods(kept, steps, shape):
                use(period, value)
        for empty in np.setdiff1d(wanted, times.periods.owner[steps]).tolist():
            use(empty, np.full(shape, np.nan))

    def _plan_sums(self, kept: dict[str, Places], steps: Places, times: Times) -> ChunkSums | None:
        """Plan to add steps up as their chunks are inflated, where nothing else is done with them."""
        if self.plan.cells is not None or not len(steps) or self.dims[0] != times.dim:
            return None
        asked = Wanted(
            statistic=self.plan.statistic,
            places=[steps, *(kept[dim] for dim in self.dims[1:])],
            owners=times.periods.owner[steps],
            weights=times.weights[steps],
            lengths=None if times.lengths is None else times.lengths[steps],
            whole=times.periods.whole,
            least=times.least,
        )
        return plan_sums(self.source, asked)

    def _periods(self, kept: dict[str, Places], steps: Places, shape: tuple[int, ...]) -> Iterator[tuple[int, Floats]]:
        """Give the statistic of each period as soon as its last step was read."""
        times = self.plan.times
        assert times is not None  # noqa: S101 - for the type checker: whoever calls has looked
        owner = times.periods.owner
        last = {int(period): int(step) for step, period in zip(steps, owner[steps], strict=True)}
        gathering: dict[int, Gathers] = {}
        for where, sample in self._samples(kept, steps):
            for at, step in enumerate(where):
                period = int(owner[step])
                if period not in gathering:
                    gathering[period] = gatherer(self.plan.statistic, shape, ddof=self.plan.ddof)
                gathering[period].add(_step_of(sample, at, times.lengths, int(step)), float(times.weights[step]))
                if last[period] == step:
                    yield period, gathering.pop(period).result(float(times.periods.whole[period]), times.least)

    # --- cells of steps ---------------------------------------------------------------------------------------------

    def _samples(self, kept: dict[str, Places], steps: Places | None) -> Iterator[tuple[Places, Sample]]:
        """Give steps in stretches of a bounded size, their cells reduced to one value where they are to be."""
        boxes = list(self._boxes(kept, steps))
        sums: CellSums | None = None
        for (batch, inner, is_last), values in self._ahead(boxes, lambda box: self._load(kept, box[0], box[1])):
            self._tell(values.numbers.size * self.source.dtype.itemsize)
            if self.plan.cells is None:
                yield batch, self._as_steps(values)
                continue
            weights = self._inner_part(inner)
            sums = merge_cells(sums, gather_cells(values.numbers, values.valid, weights, self.plan.statistic),
                               self.plan.statistic)  # fmt: skip
            if is_last:
                yield batch, self._close(sums)
                sums = None

    def _as_steps(self, values: Values) -> Sample:
        """Take values as they are; of a count, each as one."""
        if self.plan.statistic != "count":
            return Sample(value=values.numbers, valid=values.valid)
        return Sample(value=np.ones(values.numbers.shape), valid=values.valid)

    def _close(self, sums: CellSums) -> Sample:
        cells = self.plan.cells
        assert cells is not None  # noqa: S101 - for the type checker: there are sums of cells
        sample = close_cells(sums, self.plan.statistic, whole=float(cells.weights.sum()), least=cells.least)
        if self.time is None and sample.spread is not None:
            # Nothing follows: the variance of the cells is the result.
            return self._close_variance(sample)
        return sample

    def _close_variance(self, sample: Sample) -> Sample:
        own = gatherer(self.plan.statistic, sample.value.shape, ddof=self.plan.ddof)
        own.add(sample, 1.0)
        return Sample(value=own.result(1.0, 0.0), valid=sample.valid)

    def _inner_part(self, inner: tuple[slice, ...]) -> Floats:
        assert self._inner_weights is not None  # noqa: S101 - for the type checker: there are cells
        return self._inner_weights[inner].reshape(-1)

    def _boxes(self, kept: dict[str, Places], steps: Places | None) -> Iterator[tuple[Places, tuple[slice, ...], bool]]:
        """Cut what is to be read into stretches of steps, and the cells of these where they are too many."""
        sizes = dict(zip(self.dims, self.source.shape, strict=True))
        inner = [dim for dim in self.dims if self.plan.cells is not None and dim in self.plan.cells.dims]
        beside = [len(kept[dim]) for dim in self.kept if dim != self._walked]
        fixed = self.source.dtype.itemsize * int(np.prod(beside, dtype=np.int64))
        batches = [np.arange(1)] if steps is None else self._batches(steps, fixed * _product(sizes[d] for d in inner))
        for batch in batches:
            parts = _split({dim: (sizes[dim], self._chunks[dim]) for dim in inner}, fixed * len(batch))
            for number, part in enumerate(parts):
                yield batch, part, number == len(parts) - 1

    def _batches(self, steps: Places, step_bytes: int) -> list[Places]:
        """Cut steps into stretches, at the edges of chunks where a chunk is not larger than a stretch may be."""
        assert self._walked is not None  # noqa: S101 - for the type checker: there are steps
        most = max(_READ_BYTES // max(step_bytes, 1), 1)
        starts = self._starts.get(self._walked)
        if starts is None or len(starts) == self.source.shape[self.dims.index(self._walked)]:
            return [steps[at : at + most] for at in range(0, len(steps), most)]
        chunk_of = np.searchsorted(starts, steps, side="right")
        groups = np.split(steps, np.flatnonzero(np.diff(chunk_of)) + 1) if len(steps) else []
        if max((len(each) for each in groups), default=0) * step_bytes > _ALIKE_BYTES:
            return [own[at : at + most] for own in groups for at in range(0, len(own), most)]
        batches: list[Places] = []
        for group in groups:
            if batches and len(batches[-1]) + len(group) <= most:
                batches[-1] = np.concatenate([batches[-1], group])
            else:
                batches.append(group)
        return batches

    def _load(self, kept: dict[str, Places], batch: Places, inner: tuple[slice, ...]) -> Values:
        """Read a box; the steps come first, then what is kept, then the cells in one row."""
        cells = self.plan.cells.dims if self.plan.cells else ()
        places = iter(inner)
        key: dict[str, slice | Places] = {}
        for dim in self.dims:
            if dim == self._walked:
                key[dim] = _as_slice(batch)
            elif dim in cells:
                key[dim] = next(places)
            else:
                key[dim] = _as_slice(kept[dim])
        stored = self.source[tuple(key[dim] for dim in self.dims)].values
        own = [dim for dim in self.dims if dim in cells]
        first = [] if self._walked is None else [self._walked]
        rest = [dim for dim in self.kept if dim != self._walked]
        ordered = stored.transpose([self.dims.index(dim) for dim in (*first, *rest, *own)])
        if self._walked is None:
            ordered = ordered[np.newaxis]
        if own:
            ordered = ordered.reshape(*ordered.shape[: ordered.ndim - len(own)], -1)
        return decode(np.asarray(ordered), self.source.attrs)

    # --- quantiles --------------------------------------------------------------------------------------------------

    def _read_quantiles(self, kept: dict[str, Places], wanted: Places | None) -> Floats:
        """Take quantiles of all values of a period, part by part where they are too many to be held."""
        if self.plan.times is None:
            return self._quantiles(kept, kept[self._walked] if self._walked else None)
        owner = self.plan.times.periods.owner
        assert wanted is not None  # noqa: S101 - for the type checker: there are periods
        if self.plan.times.over_years is not None:
            return self._quantiles_over_years(kept, wanted)
        return np.stack([self._quantiles(kept, np.flatnonzero(owner == each), period=int(each)) for each in wanted])

    def _quantiles_over_years(self, kept: dict[str, Places], wanted: Places) -> Floats:
        times = self.plan.times
        assert times is not None  # noqa: S101 - for the type checker: whoever calls has looked
        assert times.over_years is not None  # noqa: S101
        years = times.over_years
        shape = tuple(len(kept[dim]) for dim in self.kept)
        means = {int(key): gatherer("mean", shape) for key in wanted}
        for period in np.flatnonzero(np.isin(years.owner, wanted)):
            value = self._quantiles(kept, np.flatnonzero(times.periods.owner == period), period=int(period))
            means[int(years.owner[period])].add(Sample(value=value, valid=np.isfinite(value)), 1.0)
        return np.stack([means[int(key)].result(float(years.whole[key]), times.least) for key in wanted])

    def _quantiles(self, kept: dict[str, Places], steps: Places | None, period: int = 0) -> Floats:
        """Give the quantiles of some steps: of each where steps are kept, of all together where they are reduced."""
        shape = [len(kept[dim]) for dim in self.kept]
        cells = _product(self.plan.cells.weights.shape) if self.plan.cells else 1
        held = _product(shape) * cells * (1 if self.time is None or steps is None else len(steps))
        longest = max(self.kept, key=lambda dim: len(kept[dim]), default=None)
        if held * self.source.dtype.itemsize > _HELD_BYTES and longest is not None and len(kept[longest]) > 1:
            middle = self._middle(longest, kept[longest])
            halves = (kept | {longest: kept[longest][:middle]}, kept | {longest: kept[longest][middle:]})
            parts = [
                self._quantiles(half, half[longest] if self.time is None and longest == self._walked else steps, period)
                for half in halves
            ]
            return np.concatenate(parts, axis=self.kept.index(longest))
        if held * self.source.dtype.itemsize > _HELD_BYTES and self.plan.cells is not None:
            return np.full(shape, self._select(kept, steps, period))
        return self._quantiles_of(kept, steps, period)

    def _select(self, kept: dict[str, Places], steps: Places | None, period: int) -> float:
        """Find one quantile of more values than can be held, by passes over all of them."""
        if not self._is_enough(kept, steps, period):
            return float("nan")
        return select_quantile(lambda: ((each[1], each[2]) for each in self._flat(kept, steps)), self.plan.quantile)

    def _flat(self, kept: dict[str, Places], steps: Places | None) -> Iterator[tuple[Places, Floats, Floats, Floats]]:
        """Give steps, the values there are and their weights in one row, and the valid weight of the cells of each step."""
        times = self.plan.times
        for (batch, inner, _), values in self._ahead(
            list(self._boxes(kept, steps)), lambda box: self._load(kept, box[0], box[1])
        ):
            numbers = np.asarray(values.numbers, dtype=np.float64).reshape(len(batch), -1)
            own = self._inner_part(inner)
            there = np.broadcast_to(own > 0, numbers.shape)
            if values.valid is not None:
                there = there & values.valid.reshape(numbers.shape)
            lengths = np.ones(len(batch)) if times is None else times.weights[batch]
            weights = lengths[:, np.newaxis] * own
            yield batch, numbers[there], weights[there], np.where(there, own, 0.0).sum(axis=1)

    def _is_enough(self, kept: dict[str, Places], steps: Places | None, period: int) -> bool:
        """Tell whether enough of the cells of enough of the steps are valid."""
        cells, times = self.plan.cells, self.plan.times
        assert cells is not None  # noqa: S101 - for the type checker: there are too many cells
        valid: dict[int, float] = {}
        for batch, _, _, weights in self._flat(kept, steps):
            for step, weight in zip(batch, weights, strict=True):
                valid[int(step)] = valid.get(int(step), 0.0) + float(weight)
        least = (cells.least - 1e-9) * float(cells.weights.sum())
        enough = [step for step, weight in valid.items() if weight > 0 and weight >= least]
        if times is None:
            return bool(enough)
        there = float(times.weights[np.array(enough, dtype=np.intp)].sum())
        return there >= (times.least - 1e-9) * float(times.periods.whole[period])

    def _middle(self, dim: str, places: Places) -> int:
        """Halve some places, at the edge of a chunk where one lies within."""
        chunk = self._chunks.get(dim, 1)
        edges = np.flatnonzero(np.diff(places // chunk)) + 1
        half = len(places) // 2
        return int(edges[np.argmin(np.abs(edges - half))]) if len(edges) else half

    def _quantiles_of(self, kept: dict[str, Places], steps: Places | None, period: int) -> Floats:
        values = np.concatenate([_as_floats(each) for each in self._loads(kept, steps)])
        share, cells, times = self.plan.quantile, self.plan.cells, self.plan.times
        if times is None:
            assert cells is not None  # noqa: S101 - for the type checker: something is reduced
            weights = self._inner_part(tuple(slice(None) for _ in cells.dims))
            found = quantile_by_weight(values, weights, share)
            enough = _valid_weight(values, weights) >= (cells.least - 1e-9) * weights.sum()
            result = np.where(enough, found, np.nan)
            return result[0] if self._walked is None else result
        assert steps is not None  # noqa: S101 - for the type checker: there are steps
        own = times.weights[steps]
        if cells is None:
            weight = (np.isfinite(values) * own.reshape(-1, *[1] * (values.ndim - 1))).sum(axis=0)
            return np.where(
                weight >= (times.least - 1e-9) * times.periods.whole[period], quantile_of_steps(values, share), np.nan
            )
        weights = self._inner_part(tuple(slice(None) for _ in cells.dims))
        valid_cells = _valid_weight(values, weights) >= np.maximum(cells.least - 1e-9, 0.0) * weights.sum()
        valid_cells &= _valid_weight(values, weights) > 0
        weight = (valid_cells * own.reshape(-1, *[1] * (valid_cells.ndim - 1))).sum(axis=0)
        flat = np.moveaxis(values, 0, -2).reshape(*values.shape[1:-1], -1)
        found = quantile_by_weight(flat, (own[:, np.newaxis] * weights).reshape(-1), share)
        return np.where(weight >= (times.least - 1e-9) * times.periods.whole[period], found, np.nan)

    def _loads(self, kept: dict[str, Places], steps: Places | None) -> Iterator[Values]:
        sizes = dict(zip(self.dims, self.source.shape, strict=True))
        inner = tuple(slice(0, sizes[d]) for d in self.dims if self.plan.cells and d in self.plan.cells.dims)
        beside = _product(len(kept[dim]) for dim in self.kept if dim != self._walked)
        step_bytes = self.source.dtype.itemsize * beside * _product(each.stop for each in inner)
        batches = [np.arange(1)] if steps is None else self._batches(steps, step_bytes)
        for batch, values in self._ahead(batches, lambda each: self._load(kept, each, inner)):
            self._tell(values.numbers.size * self.source.dtype.itemsize)
            yield Values(numbers=values.numbers[: len(batch)], valid=values.valid)


def _is_in_order(owner: NDArray[np.int64]) -> bool:
    return bool(np.all(np.diff(owner[owner >= 0]) >= 0))


def _product(numbers: Any) -> int:
    return int(np.prod(list(numbers), dtype=np.int64))


def _as_slice(places: Places) -> slice | Places:
    if len(places) and np.all(np.diff(places) == 1):
        return slice(int(places[0]), int(places[-1]) + 1)
    return places


def _split(dims: dict[str, tuple[int, int]], fixed_bytes: int) -> list[tuple[slice, ...]]:
    """Cut the cells of some steps into boxes of whole chunks, from the first dimension on, until each is small enough."""
    lengths = {dim: size for dim, (size, _) in dims.items()}
    for dim, (size, chunk) in dims.items():
        rest = fixed_bytes * _product(length for other, length in lengths.items() if other != dim)
        most = max(_ALIKE_BYTES // max(rest, 1), 1)
        lengths[dim] = size if size <= most else max(most // chunk * chunk, min(chunk, size))
    cuts = [
        [slice(at, min(at + lengths[dim], size)) for at in range(0, size, lengths[dim])]
        for dim, (size, _) in dims.items()
    ]
    return list(product(*cuts))


def _step_of(sample: Sample, at: int, lengths: Floats | None, step: int) -> Sample:
    """Take one step out of several; a rate becomes an amount."""
    value = sample.value[at]
    if lengths is not None:
        value = np.multiply(value, lengths[step], dtype=np.float64)
    return Sample(
        value=value,
        valid=None if sample.valid is None else sample.valid[at],
        weight=None if sample.weight is None else sample.weight[at],
        squares=None if sample.squares is None else sample.squares[at],
        spread=None if sample.spread is None else sample.spread[at],
    )


def _as_numbers(sample: Sample) -> Floats:
    value = np.asarray(sample.value, dtype=np.float64)
    return value if sample.valid is None else np.where(sample.valid, value, np.nan)


def _as_floats(values: Values) -> Numbers:
    """Give values with NaN where there is none, in a type that has it."""
    numbers = values.numbers if values.numbers.dtype.kind == "f" else values.numbers.astype(np.float64)
    return numbers if values.valid is None else np.where(values.valid, numbers, np.nan)


def _valid_weight(values: Numbers, weights: Floats) -> Floats:
    found: Floats = (np.isfinite(values) * weights).sum(axis=-1)
    return found


# --- as an array ----------------------------------------------------------------------------------------------------


class ReducedArray(BackendArray):
    """A reduction as xarray indexes it, finished and written in its own type."""

    def __init__(
        self,
        reduction: Reduction,
        finish: Callable[[Floats, dict[str, Places]], Floats],
        dtype: np.dtype[Any],
        fill: Any,
    ) -> None:
        self._reduction, self._finish, self._fill = reduction, finish, fill
        self.shape = reduction.result_shape
        self.dtype = dtype
        self.chunk_shape: tuple[int, ...] | None = reduction.result_chunks

    def __getitem__(self, key: ExplicitIndexer) -> Any:
        return explicit_indexing_adapter(key, self.shape, IndexingSupport.OUTER, self._read)

    def _read(self, key: Key) -> NDArray[Any]:
        places = dict(zip(self._reduction.result_dims, index_vectors(key, self.shape), strict=True))
        made = self._finish(self._reduction.read(places), places)
        missing = ~np.isfinite(made)
        whole = np.where(missing, 0.0, made)
        if self.dtype.kind in "iu":
            whole = np.rint(whole)
        stored = np.where(missing, self._fill, whole.astype(self.dtype)).astype(self.dtype)
        return stored[tuple(0 if isinstance(each, int | np.integer) else slice(None) for each in key)]
