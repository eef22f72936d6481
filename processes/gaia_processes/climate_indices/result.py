"""The dataset of a result: indices as variables on what is left of the grid, with what CF says of them."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import xarray as xr

from gaia_processes.aggregate.compute import compute as aggregate
from gaia_processes.climate_indices.bands import Bands, read_lazily
from gaia_processes.climate_indices.division import Division
from gaia_processes.climate_indices.indices import Index
from gaia_processes.climate_indices.kernels import (
    Options,
    threshold_of,
)
from gaia_processes.climate_indices.sources import Source
from gaia_processes.shared.axes import text_of
from gaia_processes.shared.methods import append_methods
from gaia_processes.shared.periods import Steps
from gaia_processes.shared.times import render

_FILL = np.float32(1e20)


@dataclass(frozen=True, kw_only=True, slots=True)
class Result:
    """
    What the dataset of a result is made of, but for the numbers.

    Attributes
    ----------
    first : Source
        The quantity whose coordinates the result has.
    days : Steps
        All days.
    division : Division
        The periods.
    asked : tuple of Index
    options : Options
    """

    first: Source
    days: Steps
    division: Division
    asked: tuple[Index, ...]
    options: Options

    def dataset(self, made: dict[str, Bands]) -> xr.Dataset:
        """Put the result together on what is left of the grid: coordinates are those of the first quantity."""
        source, periods = self.first, self.division.periods
        template = aggregate(source.part, variables=(source.name,), statistic="max", period="all", warn=lambda _: None)
        time, dims = source.steps.axis.name, tuple(str(dim) for dim in template.variables[source.name].dims)
        kept = {
            str(name): each
            for name, each in template.variables.items()
            if name != source.name and (source.time_dim not in each.dims or str(name) in _clock(template, time))
        }
        for name in _clock(template, time):
            values = periods.bounds.mean(axis=1) if name == time else periods.bounds
            old = template.variables[name]
            kept[name] = xr.Variable(old.dims, values, old.attrs, old.encoding)
        fresh = {
            index.id: self._variable(index, made[index.id], dims, template.variables[source.name])
            for index in self.asked
        }
        return self._assembled(template, kept, fresh)

    def _variable(self, index: Index, values: Bands, dims: tuple[str, ...], source: xr.Variable) -> xr.Variable:
        own = (self.first.time_dim, *self.first.cell_dims)
        variable = read_lazily(values, self.first.cell_shape, own, dims, _FILL)
        encoding = {key: source.encoding[key] for key in ("zlib", "shuffle", "complevel") if key in source.encoding}
        variable.attrs, variable.encoding = self._attributes(index, source), encoding | {"dtype": np.dtype(np.float32)}
        return variable

    def _attributes(self, index: Index, source: xr.Variable) -> dict[str, Any]:
        threshold = threshold_of(index, self.options)
        unit = "degC" if "pr" not in index.needs else "mm"
        attrs: dict[str, Any] = {
            "_FillValue": _FILL,
            "long_name": index.long_name.format(threshold=threshold, months=self.options.spi_months),
        }
        if index.standard_name is not None:
            attrs["standard_name"] = index.standard_name
        attrs |= {"units": index.unit, "cell_methods": index.methods}
        if index.unit == "degC":
            attrs["units_metadata"] = f"temperature: {'difference' if index.id == 'DTR' else 'on_scale'}"
        for name in ("grid_mapping", "cell_measures"):
            if name in source.attrs:
                attrs[name] = source.attrs[name]
        others = text_of(source, "coordinates")
        if not np.isnan(threshold):
            attrs["threshold"] = f"{threshold:g} {unit}"
            others = append_methods(others, f"threshold_{index.id}")
        if others:
            attrs["coordinates"] = others
        return attrs | self._told(index)

    def _told(self, index: Index) -> dict[str, str]:
        """Say what of the options bears on an index."""
        told = {}
        if index.percentile is not None:
            first, last = self.options.base
            window = "wet days" if index.kind == "heavy_total" else "5-day window, 29 February left out"
            told["percentile"] = f"{100 * index.percentile:g} of {first}-{last} ({window}), Hyndman-Fan type 8"
            if index.kind.startswith("share"):
                told["bootstrap"] = "Zhang et al. 2005" if self.options.bootstrap else "none"
        if index.kind == "standardized":
            first, last = self.options.base
            told["distribution"] = f"gamma of each month of {first}-{last} (Thom 1958), sums without rain counted apart"
            told["window"] = f"{self.options.spi_months} months, belongs to its last"
        if index.kind == "greatest_of_five":
            told["window"] = "within the period" if self.options.within else "belongs to its last day"
        if index.kind.startswith("longest") or index.kind.endswith("spells"):
            told["spells"] = "may cross the edges of periods" if self.options.carry else "cut at the edges of periods"
        return told

    def _assembled(
        self, template: xr.Dataset, kept: dict[str, xr.Variable], fresh: dict[str, xr.Variable]
    ) -> xr.Dataset:
        limits = {
            f"threshold_{index.id}": _threshold(index, threshold_of(index, self.options))
            for index in self.asked
            if not np.isnan(threshold_of(index, self.options))
        }
        variables = kept | limits | fresh
        coordinates = {name: each for name, each in variables.items() if each.dims == (name,)}
        others = {name: each for name, each in variables.items() if name not in coordinates}
        axis, bounds = self.days.axis, self.division.periods.bounds
        attrs = dict(template.attrs) | {
            "time_coverage_start": render(axis, float(bounds[:, 0].min())),
            "time_coverage_end": render(axis, float(bounds[:, 1].max())),
            "title": "Climate indices: " + ", ".join(index.id for index in self.asked),
        }
        result = xr.Dataset(others, xr.Coordinates(coordinates, indexes={}), attrs)
        result.encoding = {**template.encoding, "order": tuple(variables)}
        return result


def _threshold(index: Index, value: float) -> xr.Variable:
    if "pr" in index.needs:
        attrs = {"long_name": f"threshold of {index.id}", "units": "mm"}
        return xr.Variable((), np.float64(value), {"standard_name": "lwe_thickness_of_precipitation_amount", **attrs})
    attrs = {"long_name": f"threshold of {index.id}", "units": "degC", "units_metadata": "temperature: on_scale"}
    return xr.Variable((), np.float64(value), {"standard_name": "air_temperature", **attrs})


def _clock(template: xr.Dataset, time: str) -> tuple[str, ...]:
    """Name the time coordinate of a result and its bounds."""
    own = template.variables[time].attrs.get("bounds")
    return (time,) if own is None else (time, str(own))
