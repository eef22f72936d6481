"""
Weights between two grids, and how values go from one to the other by them.

Two kinds do the same: `Separable`, for grids of rows and columns on both sides, weighs along each axis alone; `Sparse`
holds what every cell of the target takes from which cells of the source. Both are linear and weigh to one, and both give
the same numbers however the steps are cut into blocks.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Protocol, Self

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array

type Floats = NDArray[np.float64]
type Places = NDArray[np.intp]
type Columns = Callable[[slice], NDArray[np.floating]]

DOUBLE = np.dtype(np.float64)
_STRIP_BYTES = 2**20  # of the source in float64, that stay near to the processor


class Weights(Protocol):
    """
    What the cells of a target take from those of a source.

    Attributes
    ----------
    shape, source_shape : tuple of int
        Rows and columns of the target and of the source.
    coverage : array of float, shape (rows, columns)
        Share of each target cell that the source covers, 0 to 1; 0 or 1 where points are interpolated.
    """

    @property
    def shape(self) -> tuple[int, int]:
        """Rows and columns of the target."""

    @property
    def source_shape(self) -> tuple[int, int]:
        """Rows and columns of the source."""

    @property
    def coverage(self) -> Floats:
        """Share of each target cell that the source covers."""

    def window(self, rows: slice) -> slice:
        """Say which rows of the source some rows of the target need."""

    def part(self, rows: slice) -> "Weights":
        """Give the weights of some rows of the target alone; their source is the window."""

    def mean(self, values: NDArray[np.floating]) -> Floats:
        """
        Weigh values.

        Parameters
        ----------
        values : array of float, shape (steps, source rows, source columns)
            No NaN.

        Returns
        -------
        array of float, shape (steps, rows, columns)
            Their weighted mean; 0 where the source covers nothing.
        """

    def mean_of(self, columns: "Columns", steps: int, *, dtype: np.dtype[Any] = DOUBLE) -> NDArray[Any]:
        """
        Weigh values that are made some columns at a time, where that is enough: the same numbers as of `mean`.

        Parameters
        ----------
        columns : callable
            Gives the values of some columns of the source, shape (steps, source rows, columns); no NaN.
        steps : int
            How many there are.
        dtype : numpy.dtype
            Of the result, to which each step is rounded at last: maps of one step stay near to the processor.
        """


@dataclass(frozen=True, kw_only=True, slots=True)
class AxisWeights:
    """
    What each place along an axis of the target takes from which places along an axis of the source.

    Attributes
    ----------
    size : int
        Places of the source.
    places : array of int, shape (n, most)
        Of the source; where one takes from fewer, the rest has no weight.
    shares : array of float, shape (n, most)
        They sum to 1, or to 0 where the source covers nothing.
    coverage : array of float, shape (n,)
        Share of each place that the source covers.
    matrix : csr_array of float, shape (n, size)
        The same shares.
    """

    size: int
    places: Places
    shares: Floats
    coverage: Floats
    matrix: csr_array = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        given = self.shares > 0
        owners = np.broadcast_to(np.arange(len(self.shares))[:, np.newaxis], self.shares.shape)
        shape = (len(self.shares), self.size)
        matrix = csr_array((self.shares[given], (owners[given], self.places[given])), shape=shape)
        object.__setattr__(self, "matrix", matrix)

    @classmethod
    def of(cls, owners: Places, places: Places, shares: Floats, *, widths: Floats, size: int) -> Self:
        """
        Make it of single shares.

        Parameters
        ----------
        owners, places : array of int, shape (shares,)
            Place of the target, and of the source.
        shares : array of float, shape (shares,)
            How much of the target's place is shared, in the unit of its width.
        widths : array of float, shape (n,)
            Of the target's places.
        size : int
            Places of the source.
        """
        order = np.lexsort((places, owners))
        owners, places, shares = owners[order], places[order], shares[order]
        count = len(widths)
        starts = np.searchsorted(owners, np.arange(count))
        within = np.arange(len(owners)) - starts[owners] if len(owners) else owners
        most = int(within.max(initial=0)) + 1
        padded, given = np.zeros((count, most), dtype=np.intp), np.zeros((count, most))
        padded[owners, within], given[owners, within] = places, shares
        padded = np.where(given > 0, padded, padded[:, :1])
        sums = given.sum(axis=1)
        known = np.where(sums > 0, sums, 1.0)
        wide = np.where(widths > 0, widths, 1.0)
        return cls(size=size, places=padded, shares=given / known[:, np.newaxis], coverage=np.minimum(sums / wide, 1.0))

    def window(self, part: slice) -> slice:
        """Say which stretch of the source a part of the target needs."""
        used = self.places[part][self.shares[part] > 0]
        return slice(int(used.min()), int(used.max()) + 1) if used.size else slice(0, 1)

    def part(self, part: slice, window: slice) -> "AxisWeights":
        """Give the weights of a part of the target alone, from its window of the source."""
        return AxisWeights(
            size=window.stop - window.start,
            places=np.clip(self.places[part] - window.start, 0, window.stop - window.start - 1),
            shares=self.shares[part],
            coverage=self.coverage[part],
        )


@dataclass(frozen=True, kw_only=True, slots=True)
class Cap:
    """
    What rows beyond the outermost row of a global source take from the pole: the mean of that row.

    Attributes
    ----------
    row : int
        The outermost row of the source.
    columns : array of int
        Its cells, each once.
    shares : array of float, shape (rows of the target,)
        How much each takes of the mean; the rest comes from the row itself.
    """

    row: int
    columns: Places
    shares: Floats


@dataclass(frozen=True, kw_only=True, slots=True)
class Separable:
    """Weights of a grid with rows and columns to another one: along each axis alone, and those of the poles."""

    rows: AxisWeights
    columns: AxisWeights
    caps: tuple[Cap, ...] = ()

    @property
    def shape(self) -> tuple[int, int]:
        """Rows and columns of the target."""
        return len(self.rows.places), len(self.columns.places)

    @property
    def source_shape(self) -> tuple[int, int]:
        """Rows and columns of the source."""
        return self.rows.size, self.columns.size

    @property
    def coverage(self) -> Floats:
        """Share of each target cell that the source covers."""
        return self.rows.coverage[:, np.newaxis] * self.columns.coverage[np.newaxis, :]

    def window(self, rows: slice) -> slice:
        """Say which rows of the source some rows of the target need."""
        window = self.rows.window(rows)
        poles = [cap.row for cap in self.caps if cap.shares[rows].any()]
        return slice(min([window.start, *poles]), max([window.stop, *(row + 1 for row in poles)]))

    def part(self, rows: slice) -> "Separable":
        """Give the weights of some rows of the target alone."""
        window = self.window(rows)
        caps = (
            replace(cap, row=cap.row - window.start, shares=cap.shares[rows])
            for cap in self.caps
            if cap.shares[rows].any()
        )
        return replace(self, rows=self.rows.part(rows, window), caps=tuple(caps))

    def mean(self, values: NDArray[np.floating]) -> Floats:
        """Weigh one step after the other, along its columns, then its rows, then add what the poles give."""
        return self.mean_of(lambda columns: values[..., columns], len(values))

    def mean_of(self, columns: Columns, steps: int, *, dtype: np.dtype[Any] = DOUBLE) -> NDArray[Any]:
        """Weigh one step after the other along its columns, then its rows, then add what the poles give."""
        heights, polar = self._weigh_columns(columns, steps)
        poles = [self._weigh_pole(cap, polar[:, at]) for at, cap in enumerate(self.caps)]
        made = np.empty((steps, *self.shape), dtype=dtype)
        for step, each in enumerate(heights):
            # Sums over rows of a matrix run along the memory; turned round, those over columns do too.
            turned = (self.columns.matrix @ np.ascontiguousarray(each.T)).T
            for beyond, rest, given in poles:
                turned[beyond] *= rest
                turned[beyond] += given[step]
            made[step] = turned
        return made

    def _weigh_columns(self, columns: Columns, steps: int) -> tuple[Iterable[Floats], Floats]:
        """
        Weigh along columns, strip by strip where a map has very many cells: it is never there as float64.

        Returns
        -------
        (iterable of arrays, array)
            Of each step, the rows of the target at the columns of the source; and the outermost rows of all steps.
        """
        height, width = self.source_shape
        outermost = [cap.row for cap in self.caps]
        strip = max(_STRIP_BYTES // max(8 * height, 1), 1)
        if strip >= width:
            whole = columns(slice(0, width))
            made = (self.rows.matrix @ each.astype(np.float64, copy=False) for each in whole)
            return made, whole[:, outermost].astype(np.float64)
        heights = np.empty((steps, len(self.rows.places), width))
        polar = np.empty((steps, len(self.caps), width))
        for begin in range(0, width, strip):
            some = slice(begin, min(begin + strip, width))
            values = columns(some)
            polar[..., some] = values[:, outermost]
            for step, each in enumerate(values):
                heights[step, :, some] = self.rows.matrix @ each.astype(np.float64, copy=False)
        return heights, polar

    def _weigh_pole(self, cap: Cap, row: Floats) -> tuple[Places, Floats, Floats]:
        """Give the rows that take something from a pole, what is left of them, and what they take at each step."""
        pole = row[:, cap.columns].mean(axis=-1)
        beyond = np.flatnonzero(cap.shares)
        inside = self.columns.coverage > 0
        given = pole[:, np.newaxis, np.newaxis] * np.multiply.outer(cap.shares[beyond], inside)
        return beyond, (1.0 - cap.shares[beyond])[:, np.newaxis], given


@dataclass(frozen=True, kw_only=True, slots=True)
class Sparse:
    """
    Weights of any grid to any other.

    Attributes
    ----------
    matrix : csr_array of float, shape (target cells, source cells)
        Each row sums to 1, or is empty. Cells are counted row by row.
    shape, source_shape : tuple of int
        Rows and columns.
    coverage : array of float, shape (rows, columns)
        Share of each target cell that the source covers.
    """

    matrix: csr_array
    shape: tuple[int, int]
    source_shape: tuple[int, int]
    coverage: Floats

    @classmethod
    def of(
        cls,
        owners: Places,
        places: Places,
        shares: Floats,
        *,
        coverage: Floats,
        source_shape: tuple[int, int],
    ) -> Self:
        """
        Make it of single shares.

        Parameters
        ----------
        owners, places : array of int, shape (shares,)
            Cell of the target, and of the source, counted row by row. Several shares of a pair add up.
        shares : array of float, shape (shares,)
            In any unit; those of one target cell are brought to a sum of 1.
        coverage : array of float, shape (rows, columns)
            Share of each target cell that the source covers.
        source_shape : tuple of int
            Rows and columns.
        """
        order = np.lexsort((places, owners))
        starts = np.concatenate([[0], np.cumsum(np.bincount(owners, minlength=coverage.size))])
        cells = source_shape[0] * source_shape[1]
        matrix = csr_array((shares[order], places[order], starts), shape=(coverage.size, cells))
        matrix.sum_duplicates()
        matrix.eliminate_zeros()
        sums: Floats = np.add.reduceat(np.append(matrix.data, 0.0), matrix.indptr[:-1]) * (np.diff(matrix.indptr) > 0)
        matrix.data /= np.repeat(sums, np.diff(matrix.indptr))
        shape = (coverage.shape[0], coverage.shape[1])
        return cls(matrix=matrix, shape=shape, source_shape=source_shape, coverage=coverage)

    def window(self, rows: slice) -> slice:
        """Say which rows of the source some rows of the target need."""
        used = self._of(rows).indices // max(self.source_shape[1], 1)
        return slice(int(used.min()), int(used.max()) + 1) if used.size else slice(0, 1)

    def part(self, rows: slice) -> "Sparse":
        """Give the weights of some rows of the target alone."""
        window, columns = self.window(rows), self.source_shape[1]
        matrix = self._of(rows)[:, window.start * columns : window.stop * columns]
        height = rows.stop - rows.start
        return Sparse(
            matrix=matrix,
            shape=(height, self.shape[1]),
            source_shape=(window.stop - window.start, columns),
            coverage=self.coverage[rows],
        )

    def mean(self, values: NDArray[np.floating]) -> Floats:
        """Weigh one step after the other: the order of the sums never depends on how many there are."""
        return self.mean_of(lambda columns: values[..., columns], len(values))

    def mean_of(self, columns: Columns, steps: int, *, dtype: np.dtype[Any] = DOUBLE) -> NDArray[Any]:
        """Weigh values of all columns at once: a target may take from any."""
        made = np.empty((steps, *self.shape), dtype=dtype)
        for step, each in enumerate(columns(slice(None))):
            made[step] = (self.matrix @ each.reshape(-1).astype(np.float64, copy=False)).reshape(self.shape)
        return made

    def _of(self, rows: slice) -> csr_array:
        part: csr_array = self.matrix[rows.start * self.shape[1] : rows.stop * self.shape[1]]
        return part


@dataclass(frozen=True, kw_only=True, slots=True)
class Picks:
    """
    For each cell of a target the one cell of the source that it takes.

    Attributes
    ----------
    places : array of int, shape (rows, columns)
        Cells of the source, counted row by row; -1 where there is none.
    source_shape : tuple of int
        Rows and columns.
    """

    places: Places
    source_shape: tuple[int, int]

    @property
    def shape(self) -> tuple[int, int]:
        """Rows and columns of the target."""
        return self.places.shape[0], self.places.shape[1]

    def window(self, rows: slice) -> slice:
        """Say which rows of the source some rows of the target need."""
        used = self.places[rows][self.places[rows] >= 0] // max(self.source_shape[1], 1)
        return slice(int(used.min()), int(used.max()) + 1) if used.size else slice(0, 1)

    def part(self, rows: slice) -> "Picks":
        """Give those of some rows of the target alone."""
        window, columns = self.window(rows), self.source_shape[1]
        places = self.places[rows]
        return Picks(
            places=np.where(places >= 0, places - window.start * columns, -1),
            source_shape=(window.stop - window.start, columns),
        )


def join_shares(parts: Sequence[tuple[Places, Places, Floats]]) -> tuple[Places, Places, Floats]:
    """Put shares that were found piece by piece behind each other: owners, places, shares."""
    if not parts:
        return np.zeros(0, dtype=np.intp), np.zeros(0, dtype=np.intp), np.zeros(0)
    owners, places, shares = (np.concatenate(each) for each in zip(*parts, strict=True))
    return owners, places, shares
