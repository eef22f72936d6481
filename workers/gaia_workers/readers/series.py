"""
A series of NetCDF files along time as one lazily read dataset: only the files that a request needs are read for values.

Of every file the header and the time coordinate are looked at when the series is opened; that the files fit together is
judged when they are published (`gaia_workers.joining`), and here no more than what reading needs.
"""

import threading
from collections import OrderedDict
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cftime
import numpy as np
import xarray as xr
from numpy.typing import NDArray
from xarray.backends import BackendArray
from xarray.core.indexing import ExplicitIndexer, IndexingSupport, LazilyIndexedArray, explicit_indexing_adapter

from gaia_processes.errors import UnreadableData
from gaia_processes.shared.axes import data_variables, find_time, text_of
from gaia_processes.shared.bounds import find_bounds_of
from gaia_processes.shared.lazy import HandsOut, Key, Take, find_stored, index_vectors
from gaia_processes.shared.times import calendar_of, unit_s, units_in_days
from gaia_processes.text import Text
from gaia_workers.readers.chunks import ByteCounter
from gaia_workers.readers.opening import open_dataset

MOST_OPEN = 8
"""So many files of a series are open at once."""
_OF_ONE_FILE = "tracking_id"
_KEPT_OF_THE_FIRST = ("history", "Conventions", "title")


@dataclass(frozen=True, kw_only=True, slots=True)
class Clock:
    """
    The time of a dataset that can be part of a series.

    Attributes
    ----------
    dim : str
        The dimension along which files follow each other.
    coordinates : tuple of str
        Variables that count time along it: coordinates and their bounds, all in the units of the first.
    """

    dim: str
    coordinates: tuple[str, ...]


def find_clock(dataset: xr.Dataset) -> Clock | None:
    """Find the dimension of time of the data, and what counts time along it; None where they have none."""
    names = [name for name in (find_time(dataset, each) for each in data_variables(dataset)) if name is not None]
    timed = [name for name in dict.fromkeys(names) if dataset.variables[name].ndim == 1]
    if not timed:
        return None
    dim = str(dataset.variables[timed[0]].dims[0])
    own = [name for name in timed if dataset.variables[name].dims == (dim,)]
    bounds = [name for name in (find_bounds_of(dataset, each) for each in own) if name is not None]
    return Clock(dim=dim, coordinates=tuple(dict.fromkeys([*own, *bounds])))


@dataclass(frozen=True, kw_only=True, slots=True)
class _Head:
    """What is known of one file: its steps, what counts them, its global attributes, and chunks that it can hand out."""

    steps: int
    times: dict[str, NDArray[Any]]
    attrs: dict[str, Any]
    chunks: dict[str, tuple[int, ...]]


class _Files:
    """The files of a series, opened when they are read, a few of them at once."""

    def __init__(self, paths: Sequence[Path], *, threads: int, counter: ByteCounter, stack: ExitStack) -> None:
        self._paths, self._threads, self._counter = tuple(paths), threads, counter
        self._open: OrderedDict[int, tuple[ExitStack, xr.Dataset]] = OrderedDict()
        self._lock = threading.RLock()
        stack.callback(self._close)

    def read(self, number: int, name: str, places: list[NDArray[np.intp]]) -> NDArray[Any]:
        """Read some cells of a variable of one file."""
        with self._lock:
            return np.asarray(self._dataset(number).variables[name][tuple(places)].values)

    def hand_out(self, number: int, name: str, chunks: NDArray[np.intp], take: Take) -> None:
        """Have whole chunks of a variable of one file taken."""
        with self._lock:
            array = _find_handing(self._dataset(number).variables[name])
            if array is None:
                raise UnreadableData(
                    _misfit(self._paths[number], f"stores {name} otherwise", f"range {name} autrement")
                )
            array.hand_out(chunks, take)

    def _dataset(self, number: int) -> xr.Dataset:
        if number in self._open:
            self._open.move_to_end(number)
            return self._open[number][1]
        while len(self._open) >= MOST_OPEN:
            self._open.popitem(last=False)[1][0].close()
        stack = ExitStack()
        opening = open_dataset(self._paths[number], threads=self._threads, counter=self._counter)
        self._open[number] = (stack, stack.enter_context(opening))
        return self._open[number][1]

    def _close(self) -> None:
        with self._lock:
            while self._open:
                self._open.popitem()[1][0].close()


class SeriesArray(BackendArray):
    """A variable that goes on from file to file along one dimension."""

    def __init__(self, files: _Files, name: str, first: xr.Variable, *, axis: int, steps: Sequence[int]) -> None:
        self._files, self._name, self._axis = files, name, axis
        self._starts = np.concatenate([[0], np.cumsum(steps)]).astype(np.intp)
        self.shape = (*first.shape[:axis], int(self._starts[-1]), *first.shape[axis + 1 :])
        self.dtype = first.dtype
        self.chunk_shape: tuple[int, ...] | None = first.encoding.get("chunksizes")

    def chunk_places(self, places: list[NDArray[np.intp]]) -> list[NDArray[np.intp]]:
        """Count places as if every file began with a chunk of its own, which it does."""
        if self.chunk_shape is None:
            return places
        chunk, own = self.chunk_shape[self._axis], places[self._axis]
        lengths = -(-np.diff(self._starts) // chunk) * chunk
        begins = np.concatenate([[0], np.cumsum(lengths)])
        number = self._number(own)
        moved = begins[number] + own - self._starts[number]
        return [moved if axis == self._axis else each for axis, each in enumerate(places)]

    def _number(self, places: NDArray[np.intp]) -> NDArray[np.intp]:
        return np.searchsorted(self._starts, places, side="right") - 1

    def __getitem__(self, key: ExplicitIndexer) -> Any:
        return explicit_indexing_adapter(key, self.shape, IndexingSupport.OUTER, self._read)

    def _read(self, key: Key) -> NDArray[Any]:
        places = index_vectors(key, self.shape)
        own = places[self._axis]
        numbers = self._number(own)
        values = np.empty([len(each) for each in places], dtype=self.dtype)
        for number in np.unique(numbers):
            here = np.flatnonzero(numbers == number)
            wanted = [*places]
            wanted[self._axis] = own[here] - self._starts[number]
            at: list[Any] = [slice(None)] * values.ndim
            at[self._axis] = here
            values[tuple(at)] = self._files.read(int(number), self._name, wanted)
        result: NDArray[Any] = values[tuple(0 if isinstance(each, int | np.integer) else slice(None) for each in key)]
        return result


class ChunkedSeriesArray(SeriesArray):
    """A variable of which every file can hand out chunks, all of one shape."""

    def hand_out(self, chunks: NDArray[np.intp], take: Take) -> None:
        """Have whole chunks taken in their order, file after file."""
        assert self.chunk_shape is not None  # noqa: S101 - for the type checker: all files have chunks
        counts = -(-np.diff(self._starts) // self.chunk_shape[self._axis])
        begins = np.concatenate([[0], np.cumsum(counts)])
        numbers = np.searchsorted(begins, chunks[:, self._axis], side="right") - 1
        for some in np.split(np.arange(len(chunks)), np.flatnonzero(np.diff(numbers)) + 1):
            number, own = int(numbers[some[0]]), chunks[some]
            own[:, self._axis] -= begins[number]
            self._files.hand_out(number, self._name, own, _counted_from(int(some[0]), take))


def _counted_from(first: int, take: Take) -> Take:
    return lambda number, chunk: take(first + number, chunk)


def _find_handing(variable: xr.Variable) -> HandsOut | None:
    """Find the array behind a variable, if it can hand out chunks."""
    found = find_stored(variable)
    return found[0] if found is not None and isinstance(found[0], HandsOut) else None


@contextmanager
def open_series(paths: Sequence[Path], *, threads: int = 2, counter: ByteCounter | None = None) -> Iterator[xr.Dataset]:
    """
    Open files that follow each other in time as one dataset, not decoded and not yet read.

    Parameters
    ----------
    paths : sequence of Path
        In the order of time; one alone is opened as it is.
    threads, counter
        As for `gaia_workers.readers.netcdf.open_dataset`.

    Yields
    ------
    xarray.Dataset
        As the first file says, its time dimension as long as all files together; times of all files in the units of the
        first. Global attributes that differ from file to file are left out, but for `history` (of the first) and
        `tracking_id` (of all).

    Raises
    ------
    UnreadableData
        A file cannot be read, has no time, or other variables, types or sizes than the first.
    """
    if len(paths) == 1:
        with open_dataset(paths[0], threads=threads, counter=counter) as dataset:
            yield dataset
        return
    count = counter or ByteCounter()
    with ExitStack() as stack:
        first = stack.enter_context(open_dataset(paths[0], threads=threads, counter=count))
        clock = find_clock(first)
        if clock is None:
            raise UnreadableData(_misfit(paths[0], "has no time dimension", "n'a pas de dimension de temps"))
        heads = [_look(path, first, clock, count) for path in paths]
        files = _Files(paths, threads=threads, counter=count, stack=stack)
        yield _join(first, clock, heads, files)


def _look(path: Path, first: xr.Dataset, clock: Clock, counter: ByteCounter) -> _Head:
    with open_dataset(path, threads=1, counter=counter) as dataset:
        _check_shape(path, dataset, first, clock)
        times = {name: _in_units_of(first, dataset, name, path) for name in clock.coordinates}
        handing = {str(name): _find_handing(each) for name, each in dataset.variables.items()}
        chunks = {name: each.chunk_shape for name, each in handing.items() if each is not None and each.chunk_shape}
        return _Head(steps=dataset.sizes[clock.dim], times=times, attrs=dict(dataset.attrs), chunks=chunks)


def _check_shape(path: Path, dataset: xr.Dataset, first: xr.Dataset, clock: Clock) -> None:
    """Refuse a file that cannot be read as the first is; it was changed after it was published."""
    for name, variable in first.variables.items():
        if clock.dim not in variable.dims:
            continue
        other = dataset.variables.get(name)
        rest = {dim: size for dim, size in variable.sizes.items() if dim != clock.dim}
        if other is None or other.dims != variable.dims or other.dtype != variable.dtype:
            raise UnreadableData(_misfit(path, f"has another {name}", f"a un autre {name}"))
        if {dim: size for dim, size in other.sizes.items() if dim != clock.dim} != rest:
            raise UnreadableData(_misfit(path, f"has {name} of another shape", f"a {name} d'une autre forme"))


def _misfit(path: Path, english: str, french: str) -> Text:
    return Text(
        en=f"The file {path.name} of the series {english}; publish the series anew.",
        fr=f"Le fichier {path.name} de la série {french} ; publiez la série à nouveau.",
    )


def _in_units_of(first: xr.Dataset, dataset: xr.Dataset, name: str, path: Path) -> NDArray[Any]:
    """Read a time coordinate, or its bounds, as numbers in the units that the first file has."""
    values = np.asarray(dataset.variables[name].values)
    unit, wanted = (_units_of(each, name) for each in (dataset, first))
    if unit == wanted or not unit or not wanted:
        return values
    if any(units != units_in_days(units) for units in (unit, wanted)):  # months differ in their seconds
        raise UnreadableData(_misfit(path, f"counts time in {unit}", f"compte le temps en {unit}"))
    calendar = calendar_of(first.variables[_counted(first, name)])
    begin = cftime.num2date(0, unit, calendar, only_use_cftime_datetimes=True)
    origin = cftime.num2date(0, wanted, calendar, only_use_cftime_datetimes=True)
    # Seconds between the two beginnings are whole, so that no step is moved by a rounding of its own.
    apart_s = (begin - origin).total_seconds()
    moved: NDArray[np.float64] = (values.astype(np.float64) * unit_s(unit) + apart_s) / unit_s(wanted)
    return np.rint(moved).astype(values.dtype) if values.dtype.kind in "iu" else moved.astype(values.dtype)


def _counted(dataset: xr.Dataset, name: str) -> str:
    """Give the coordinate whose units a variable is in: its own, or that which it bounds."""
    owners = (each for each in map(str, dataset.variables) if find_bounds_of(dataset, each) == name)
    return next(owners, name)


def _units_of(dataset: xr.Dataset, name: str) -> str:
    return text_of(dataset.variables[name], "units") or text_of(dataset.variables[_counted(dataset, name)], "units")


def _join(first: xr.Dataset, clock: Clock, heads: Sequence[_Head], files: _Files) -> xr.Dataset:
    steps = [head.steps for head in heads]
    variables: dict[str, xr.Variable] = {}
    for name, variable in ((str(name), each) for name, each in first.variables.items()):
        if name in clock.coordinates:
            values = np.concatenate([head.times[name] for head in heads])
            variables[name] = xr.Variable(variable.dims, values, variable.attrs, variable.encoding)
        elif clock.dim in variable.dims:
            axis = variable.dims.index(clock.dim)
            shapes = {head.chunks.get(name) for head in heads}
            kind = ChunkedSeriesArray if shapes == {variable.encoding.get("chunksizes")} != {None} else SeriesArray
            data = LazilyIndexedArray(kind(files, name, variable, axis=axis, steps=steps))
            variables[name] = xr.Variable(variable.dims, data, variable.attrs, variable.encoding)
        else:
            variables[name] = variable
    coordinates = {name: each for name, each in variables.items() if each.dims == (name,)}
    others = {name: each for name, each in variables.items() if name not in coordinates}
    joined = xr.Dataset(others, xr.Coordinates(coordinates, indexes={}), _common(heads))
    joined.encoding = dict(first.encoding)
    return joined


def _common(heads: Sequence[_Head]) -> dict[str, Any]:
    """Give the global attributes that hold for the whole series."""
    common: dict[str, Any] = {}
    for name, value in heads[0].attrs.items():
        everywhere = all(name in head.attrs and np.array_equal(head.attrs[name], value) for head in heads)
        if everywhere or name in _KEPT_OF_THE_FIRST:
            common[name] = value
        elif name == _OF_ONE_FILE:
            common[name] = " ".join(str(head.attrs[name]) for head in heads if name in head.attrs)
    return common
