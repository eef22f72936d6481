"""How much of a dataset a selection meets: bytes to be read, in whole chunks, and bytes to be written."""

import math
import re
from collections.abc import Iterable, Mapping

from gaia_processes.cube import Axis, Cube, Variable
from gaia_processes.inputs.axes import is_in_levels, level_values, scale_for, time_extent
from gaia_processes.inputs.bbox import Bbox
from gaia_processes.inputs.calendar import STANDARD, NoSuchDate, first_instant, last_instant
from gaia_processes.inputs.interval import Interval
from gaia_processes.inputs.levels import Levels
from gaia_processes.inputs.selection import Selection, chosen_variables

type Runs = tuple[tuple[int, int], ...]
"""Half-open runs of indices along a dimension, ascending and apart."""

_READ_PER_S = 200e6
_WRITTEN_PER_S = 150e6
_START_S = 0.3
_BIT_WIDTH = re.compile(r"(?:float|u?int|complex)(\d+)")
_BYTE_WIDTH = re.compile(r"[<>=|]?[a-zA-Z](\d+)")
_UNKNOWN_WIDTH_BYTES = 8


def selection_cost(selection: Selection, cube: Cube) -> tuple[int, int, float]:
    """
    Estimate what a selection costs, from the catalogue alone.

    Returns
    -------
    tuple
        Bytes on disk of the chunks that meet the selection, bytes of its values uncompressed, and seconds.
        Coordinates are not counted: they are small.
    """
    runs = dimension_runs(selection, cube)
    read = written = 0.0
    for name in chosen_variables(selection, cube):
        variable = cube.variables[name]
        cells, selected, met = _cells(variable, runs, cube)
        width = _width_bytes(variable.dtype)
        stored = variable.stored_bytes or cells * width
        read += stored * met / cells if cells else 0
        written += selected * width
    return math.ceil(read), math.ceil(written), _START_S + read / _READ_PER_S + written / _WRITTEN_PER_S


def dimension_runs(selection: Selection, cube: Cube) -> dict[str, Runs]:
    """Find which steps of each dimension a selection meets; dimensions that it does not narrow are left out."""
    runs = dict[str, Runs]()
    for name, axis in cube.dimensions.items():
        if axis.type == "temporal" and selection.datetime is not None:
            runs[name] = _time_runs(selection.datetime, axis)
        elif axis.axis == "x" and selection.bbox is not None:
            runs[name] = _longitude_runs(selection.bbox, axis, cube)
        elif axis.axis == "y" and selection.bbox is not None:
            runs[name] = _latitude_runs(selection.bbox, axis, cube)
        elif axis.axis == "z" and selection.levels is not None:
            runs[name] = _level_runs(selection.levels, axis)
    return runs


def _cells(variable: Variable, runs: Mapping[str, Runs], cube: Cube) -> tuple[int, int, int]:
    """Count the cells of a variable: all, those selected, and those of the chunks that meet the selection."""
    cells = selected = met = 1
    for place, name in enumerate(variable.dimensions):
        size = variable.shape[place] if variable.shape else max(cube.dimensions[name].size, 1)
        chunk = variable.chunks[place] if variable.chunks else 1
        along = runs.get(name, ((0, size),))
        cells *= size
        selected *= sum(stop - start for start, stop in along)
        met *= _round_to_chunks(along, chunk, size)
    return cells, selected, met


def _round_to_chunks(runs: Runs, chunk: int, size: int) -> int:
    chunks = {number for start, stop in runs for number in range(start // chunk, -(-stop // chunk))}
    return sum(min((number + 1) * chunk, size) - number * chunk for number in chunks)


def _time_runs(interval: Interval, axis: Axis) -> Runs:
    extent, calendar = time_extent(axis), axis.calendar or STANDARD
    if extent is None:
        return ((0, axis.size),)
    first, last, _ = extent
    try:
        start = first_instant(interval.start, calendar) if interval.start else first
        end = last_instant(interval.end, calendar) if interval.end else last
    except NoSuchDate:
        return ((0, axis.size),)
    whole_s = (last - first).total_seconds()
    return _between((start - first).total_seconds(), (end - first).total_seconds(), 0.0, whole_s, axis.size)


def _longitude_runs(box: Bbox, axis: Axis, cube: Cube) -> Runs:
    low, high = _degrees(axis, cube, west_or_south=0, east_or_north=2)
    # A global axis is described without its last step: 0 to 359 is all of the globe.
    step = (high - low) / max(axis.size - 1, 1)
    if box.east - box.west >= 360 or high < low:
        return ((0, axis.size),)
    east = box.west + (box.east - box.west) % 360
    turns = range(math.floor((low - east) / 360), math.ceil((high - box.west) / 360) + 1)
    pieces = (
        _between(box.west + 360 * turn, east + 360 * turn, low, high, axis.size)
        for turn in turns
        if box.west + 360 * turn <= high + step / 2 and east + 360 * turn >= low - step / 2
    )
    return _joined(run for piece in pieces for run in piece) or ((0, 1),)


def _latitude_runs(box: Bbox, axis: Axis, cube: Cube) -> Runs:
    low, high = _degrees(axis, cube, west_or_south=1, east_or_north=3)
    return _between(box.south, box.north, low, high, axis.size)


def _level_runs(levels: Levels, axis: Axis) -> Runs:
    scale = scale_for(levels, axis) or axis
    there = level_values(scale)
    if not there:
        return ((0, axis.size),)
    found = [(place, place + 1) for place, level in enumerate(there) if is_in_levels(level, levels, scale)]
    return _joined(found) or ((0, 1),)


def _degrees(axis: Axis, cube: Cube, *, west_or_south: int, east_or_north: int) -> tuple[float, float]:
    """First and last degree along an axis: its own where it counts degrees, else the data's box."""
    if cube.grid == "regular" and axis.extent is not None:
        low, high = axis.extent
        if isinstance(low, int | float) and isinstance(high, int | float):
            return float(low), float(high)
    box = cube.bbox or (-180.0, -90.0, 180.0, 90.0)
    return box[west_or_south], box[east_or_north]


def _between(start: float, stop: float, low: float, high: float, size: int) -> Runs:
    """Find the steps from start to stop on an even axis from low to high; at least one."""
    if size <= 1 or high <= low:
        return ((0, max(size, 1)),)
    step = (high - low) / (size - 1)
    first = min(max(math.ceil((start - low) / step - 1e-6), 0), size - 1)
    last = min(max(math.floor((stop - low) / step + 1e-6), first), size - 1)
    return ((first, last + 1),)


def _joined(runs: Iterable[tuple[int, int]]) -> Runs:
    joined = list[tuple[int, int]]()
    for start, stop in sorted(runs):
        if joined and start <= joined[-1][1]:
            joined[-1] = (joined[-1][0], max(stop, joined[-1][1]))
        else:
            joined.append((start, stop))
    return tuple(joined)


def _width_bytes(dtype: str) -> int:
    if match := _BIT_WIDTH.fullmatch(dtype):
        return max(int(match[1]) // 8, 1)
    match = _BYTE_WIDTH.fullmatch(dtype)
    return int(match[1]) if match else _UNKNOWN_WIDTH_BYTES
