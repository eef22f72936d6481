"""
Sums and means of periods, taken along the stored chunks as they are inflated: no step is laid out as an array of its own.

This is a faster way to what `reduction.py` does with `statistics.py`, where it gives the same bits: each cell has its steps
added in their order, in float64. Weights are whole numbers here, whose sums are exact in any order.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import product
from typing import Any

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from gaia_processes.shared.lazy import HandsOut, Inflated, Pieced, find_stored
from gaia_processes.shared.record_loops import read_only
from gaia_processes.shared.statistics import Floats, close_mean, close_sum
from gaia_processes.shared.sum_loops import BLOCK, BOTH, LOSS, SUM, add_steps
from gaia_processes.shared.values import find_rules

_WORTH_BYTES = 2**21
"""Less is not worth the loading of a compiled loop."""

_CELLS_A_CALL = 2**10
"""So many values at least are added by one call of the loop, or calling it costs more than adding."""

_BITS: dict[str, type[np.unsignedinteger[Any]]] = {"<i2": np.uint16, "<f4": np.uint32, "<f8": np.uint64}
"""Types for which the loop is compiled, and whole numbers of their size."""

_CLOSE = {"mean": close_mean, "sum": close_sum}

type Places = NDArray[np.intp]
type Use = Callable[[int, Floats], None]
"""Is given each period and its statistic, as soon as its last step was added."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Stretch:
    """Steps of a chunk that belong to one period, and by what they are multiplied and weighed."""

    period: int
    steps: NDArray[np.int64]
    factors: Floats
    weights: Floats
    is_last: bool


@dataclass(frozen=True, kw_only=True, slots=True)
class Wanted:
    """
    What is asked for of a variable.

    Attributes
    ----------
    statistic : str
        `mean` or `sum`.
    places : list of int arrays
        Along each dimension of the variable; steps first, ascending.
    owners : array of int, shape (steps,)
        Period of each of these steps.
    weights : array of float, shape (steps,)
        By which these steps are weighed.
    lengths : array of float, shape (steps,), or None
        By which they are multiplied.
    whole : array of float, shape (periods,)
        Weight of each period, if nothing were missing.
    least : float
        Share of it that must be valid.
    """

    statistic: str
    places: list[Places]
    owners: NDArray[np.int64]
    weights: Floats
    lengths: Floats | None
    whole: Floats
    least: float


class _Open:
    """The sums of a period that is not at its end."""

    def __init__(self, cells: int) -> None:
        self.total = np.zeros(cells)
        self.lost = np.zeros(0)
        self.weight = 0.0


class ChunkSums:
    """
    A pass along the chunks of an array that hands them out.

    Parameters
    ----------
    array : HandsOut
        Where the chunks are.
    chunks : list of int arrays
        Numbers of those along each dimension.
    stretches : list of lists of Stretch
        What to do with the chunks of each number along time.
    runs : list of int arrays
        For the chunks beside each other: which of their cells go where.
    rules : array of float
        As `sum_loops.add_steps` takes them.
    wanted : Wanted
    """

    def __init__(
        self,
        array: HandsOut,
        chunks: list[Places],
        stretches: list[list[Stretch]],
        runs: list[NDArray[np.int64]],
        rules: Floats,
        wanted: Wanted,
    ) -> None:
        self._array, self._chunks, self._stretches, self._runs = array, chunks, stretches, runs
        self._rules, self._wanted = rules, wanted
        dtype = np.dtype(array.dtype)  # type: ignore[attr-defined]  # every array has one
        self._dtype, self._bits = dtype, np.empty(BLOCK, dtype=_BITS[dtype.str])
        self._block = self._bits.view(dtype)
        self._cells = int(np.prod([len(each) for each in wanted.places[1:]], dtype=np.int64))
        assert array.chunk_shape is not None  # noqa: S101 - for the type checker: it has chunks
        self._chunk_cells = int(np.prod(array.chunk_shape[1:], dtype=np.int64))
        self._open: dict[int, _Open] = {}

    def run(self, use: Use, tell: Callable[[int], None]) -> None:
        """
        Add up all steps.

        Parameters
        ----------
        use : callable
            Gets periods in the order in which they end; its arrays have one dimension.
        tell : callable
            Hears how many bytes of values were worked on.
        """
        grid = np.stack(np.meshgrid(*self._chunks, indexing="ij"), axis=-1).reshape(-1, len(self._chunks))

        def take(number: int, chunk: Inflated) -> None:
            along, beside = divmod(number, len(self._runs))
            for stretch in self._stretches[along]:
                self._add(stretch, chunk, self._runs[beside])
                if beside == len(self._runs) - 1:
                    self._pass(stretch, use, tell)

        self._array.hand_out(grid, take)

    def _add(self, stretch: Stretch, chunk: Inflated, runs: NDArray[np.int64]) -> None:
        """Add some steps of one chunk."""
        if stretch.period not in self._open:
            self._open[stretch.period] = _Open(self._cells)
        sums = self._open[stretch.period]
        data = read_only(chunk.data)
        given = (
            data, data.view(self._dtype), chunk.is_shuffled, self._bits, self._block, self._chunk_cells,
            stretch.steps, runs, stretch.factors, stretch.weights, self._rules,
        )  # fmt: skip
        if len(sums.lost):
            add_steps(*given, BOTH, sums.total, sums.lost)
        elif add_steps(*given, SUM, sums.total, sums.lost):
            sums.lost = np.zeros(self._cells)
            add_steps(*given, LOSS, sums.total, sums.lost)

    def _pass(self, stretch: Stretch, use: Use, tell: Callable[[int], None]) -> None:
        """Note that some steps were added for all cells."""
        sums = self._open[stretch.period]
        sums.weight += float(stretch.weights.sum())
        tell(len(stretch.steps) * self._cells * self._dtype.itemsize)
        if stretch.is_last:
            del self._open[stretch.period]
            weight = sums.weight - sums.lost if len(sums.lost) else np.full(self._cells, sums.weight)
            close, wanted = _CLOSE[self._wanted.statistic], self._wanted
            use(stretch.period, close(sums.total, weight, float(wanted.whole[stretch.period]), wanted.least))


def plan_sums(variable: xr.Variable, wanted: Wanted) -> ChunkSums | None:
    """
    Plan a pass along the stored chunks.

    Parameters
    ----------
    variable : xarray.Variable
        Undecoded and lazy.
    wanted : Wanted
        Of it.

    Returns
    -------
    ChunkSums or None
        None where this way does not pay or is not known to give the same bits.
    """
    rules = find_rules(variable.dtype, variable.attrs) if variable.dtype.str in _BITS and variable.ndim else None
    size_bytes = _product(map(len, wanted.places)) * variable.dtype.itemsize
    if rules is None or wanted.statistic not in _CLOSE or size_bytes < _WORTH_BYTES or not _is_exact(wanted.weights):
        return None
    found = find_stored(variable)
    if found is None or not isinstance(found[0], HandsOut) or found[0].chunk_shape is None:
        return None
    array, stored = found
    places = [own[at] for own, at in zip(stored, wanted.places, strict=True)]
    places = array.chunk_places(places) if isinstance(array, Pieced) else places
    if np.any(np.diff(places[0]) <= 0):
        return None
    numbers, stretches = _cut_steps(places[0], array.chunk_shape[0], wanted)
    if 2 * len(places[0]) < len(numbers) * array.chunk_shape[0]:
        return None  # some readers read so few steps of a chunk alone
    beside = [np.unique(own // chunk) for own, chunk in zip(places[1:], array.chunk_shape[1:], strict=True)]
    calls = sum(map(len, stretches)) * _product(map(len, beside))
    if size_bytes < calls * _CELLS_A_CALL * variable.dtype.itemsize:
        return None
    runs = list(_cut_cells(places[1:], beside, array.chunk_shape[1:]))
    return ChunkSums(array, [numbers, *beside], stretches, runs, rules, wanted)


def warm() -> None:
    """Compile the loop, before tasks are forked."""
    for name, bits_type in _BITS.items():
        bits, data = np.zeros(BLOCK, bits_type), read_only(np.zeros(np.dtype(name).itemsize, np.uint8))
        steps, runs = np.zeros(1, np.int64), np.array([[0, 0, 1]], np.int64)
        add_steps(
            data, data.view(name), True, bits, bits.view(name), 1, steps, runs, np.ones(1), np.ones(1), np.zeros(6), BOTH,
            np.zeros(1), np.zeros(1),
        )  # fmt: skip


def _is_exact(weights: Floats) -> bool:
    """Tell whether sums of weights are the same in every order."""
    return bool(np.all(weights == np.rint(weights)) and weights.sum() < 2**53)


def _cut_steps(places: Places, chunk: int, wanted: Wanted) -> tuple[Places, list[list[Stretch]]]:
    """Give the numbers of the chunks along time, and the stretches of one period in each."""
    numbers, local = places // chunk, places % chunk
    factors = np.ones(len(places)) if wanted.statistic == "sum" else wanted.weights
    factors = factors if wanted.lengths is None else factors * wanted.lengths
    owners = wanted.owners
    last = {int(owner): at for at, owner in enumerate(owners)}
    edges = np.flatnonzero((np.diff(numbers) != 0) | (np.diff(owners) != 0)) + 1
    found: dict[int, list[Stretch]] = {}
    for begin, end in zip([0, *edges.tolist()], [*edges.tolist(), len(places)], strict=True):
        own, period = slice(begin, end), int(owners[begin])
        stretch = Stretch(
            period=period, steps=local[own].astype(np.int64), factors=factors[own], weights=wanted.weights[own],
            is_last=last[period] < end,
        )  # fmt: skip
        found.setdefault(int(numbers[begin]), []).append(stretch)
    return np.array(list(found), dtype=np.intp), list(found.values())


def _cut_cells(places: list[Places], chunks: list[Places], chunk_shape: tuple[int, ...]) -> Iterator[NDArray[np.int64]]:
    """Say for each of the chunks beside each other which of its cells go where: runs of neighbours on both sides."""
    shape = [len(each) for each in places]
    for numbers in product(*chunks):
        to = [np.flatnonzero(own // chunk == at) for own, chunk, at in zip(places, chunk_shape, numbers, strict=True)]
        fro = [own[at] % chunk for own, at, chunk in zip(places, to, chunk_shape, strict=True)]
        source, target = _flat(fro, chunk_shape), _flat(to, shape)
        edges = np.flatnonzero((np.diff(source) != 1) | (np.diff(target) != 1)) + 1
        begins = np.concatenate([[0], edges])
        yield np.stack([source[begins], target[begins], np.diff(np.append(begins, len(source)))], axis=1)


def _flat(places: list[Places], shape: Any) -> NDArray[np.int64]:
    """Give cells their numbers, row by row."""
    if not places:
        return np.zeros(1, dtype=np.int64)
    return np.ravel_multi_index(np.ix_(*places), tuple(shape)).reshape(-1).astype(np.int64)


def _product(numbers: Any) -> int:
    return int(np.prod(list(numbers), dtype=np.int64))
