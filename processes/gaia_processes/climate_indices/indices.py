"""
The indices that are offered, as data: what each needs, in which unit it comes, its threshold and its names. Light.

References
----------
Zhang et al. (2011), doi:10.1002/wcc.147 (the core set of ETCCDI); McKee et al. (1993) (SPI); CF conventions
1.12, section 7.3 (cell methods).
"""

from dataclasses import dataclass
from typing import Literal

from gaia_processes.climate_indices.quantities import Quantity
from gaia_processes.inputs.years import Years

BASELINE = Years(first=1961, last=1990)
"""Of percentiles and of SPI, where a request names no other."""

type IndexId = Literal[
    "FD", "ID", "SU", "TR", "TXx", "TNx", "TXn", "TNn", "DTR", "GSL", "GDD", "HDD", "CDDcool",
    "RX1day", "RX5day", "SDII", "PRCPTOT", "RR1", "R10mm", "R20mm", "Rnnmm", "CDD", "CWD",
    "TX10p", "TX90p", "TN10p", "TN90p", "WSDI", "CSDI", "R95pTOT", "R99pTOT", "SPI",
]  # fmt: skip


@dataclass(frozen=True, kw_only=True, slots=True)
class Index:
    """
    One index.

    Attributes
    ----------
    id : str
    kind : str
        Name of the kernel in `gaia_processes.climate_indices.kernels.KERNELS`.
    needs : tuple of str
        Quantities, all of which are needed; `tas` may be made of `tasmax` and `tasmin`.
    unit : str
        Of the result; of a number of days `1`, which is that of the standard names.
    long_name : str
        With `{threshold}` where there is one, and `{months}` of SPI.
    methods : str
        CF cell methods, of the daily values and of what is made of them.
    standard_name : str or None
        Of CF's table, where it has one.
    threshold : float or None
        In °C or mm a day; None where there is none, or it must be given.
    settable : bool
        Whether a request may give another threshold.
    percentile : float or None
        Share, 0 to 1, of the values of the baseline.
    """

    id: str
    kind: str
    needs: tuple[Quantity, ...]
    unit: str
    long_name: str
    methods: str
    standard_name: str | None = None
    threshold: float | None = None
    settable: bool = False
    percentile: float | None = None

    @property
    def has_baseline(self) -> bool:
        """Whether it compares with the years of a baseline."""
        return self.percentile is not None or self.kind == "standardized"


_BELOW = "number_of_days_with_air_temperature_below_threshold"
_ABOVE = "number_of_days_with_air_temperature_above_threshold"
_RAINY = "number_of_days_with_lwe_thickness_of_precipitation_amount_above_threshold"
_MIN, _MAX, _MEAN, _SUM = (f"time: {each} within days" for each in ("minimum", "maximum", "mean", "sum"))


def _index(
    id: str, kind: str, needs: str, unit: str, long_name: str, methods: str, standard_name: str | None = None,
    threshold: float | None = None, *, settable: bool = False, percentile: float | None = None,
) -> Index:  # fmt: skip
    quantities: tuple[Quantity, ...] = tuple(
        each for each in ("tasmax", "tasmin", "tas", "pr") if each in needs.split()
    )
    return Index(
        id=id, kind=kind, needs=quantities, unit=unit, long_name=long_name, methods=methods,
        standard_name=standard_name, threshold=threshold, settable=settable, percentile=percentile,
    )  # fmt: skip


_ROWS = (
    _index("FD", "count_below", "tasmin", "1", "frost days (minimum below {threshold:g} degC)",
           f"{_MIN} time: sum over days", _BELOW, 0.0, settable=True),
    _index("ID", "count_below", "tasmax", "1", "ice days (maximum below {threshold:g} degC)",
           f"{_MAX} time: sum over days", _BELOW, 0.0, settable=True),
    _index("SU", "count_above", "tasmax", "1", "summer days (maximum above {threshold:g} degC)",
           f"{_MAX} time: sum over days", _ABOVE, 25.0, settable=True),
    _index("TR", "count_above", "tasmin", "1", "tropical nights (minimum above {threshold:g} degC)",
           f"{_MIN} time: sum over days", _ABOVE, 20.0, settable=True),
    _index("TXx", "greatest", "tasmax", "degC", "maximum of daily maximum temperature",
           f"{_MAX} time: maximum over days", "air_temperature"),
    _index("TNx", "greatest", "tasmin", "degC", "maximum of daily minimum temperature",
           f"{_MIN} time: maximum over days", "air_temperature"),
    _index("TXn", "least", "tasmax", "degC", "minimum of daily maximum temperature",
           f"{_MAX} time: minimum over days", "air_temperature"),
    _index("TNn", "least", "tasmin", "degC", "minimum of daily minimum temperature",
           f"{_MIN} time: minimum over days", "air_temperature"),
    _index("DTR", "mean_range", "tasmax tasmin", "degC", "mean of daily temperature range",
           "time: range within days time: mean over days"),
    _index("GSL", "growing_season", "tas", "days", "growing season length (six days above {threshold:g} degC until six below)",
           f"{_MEAN} time: sum over days", None, 5.0, settable=True),
    _index("GDD", "degrees_above", "tas", "degC day", "growing degree days above {threshold:g} degC",
           f"{_MEAN} time: sum over days", "integral_wrt_time_of_air_temperature_excess", 5.0, settable=True),
    _index("HDD", "degrees_below", "tas", "degC day", "heating degree days below {threshold:g} degC",
           f"{_MEAN} time: sum over days", "integral_wrt_time_of_air_temperature_deficit", 17.0, settable=True),
    _index("CDDcool", "degrees_above", "tas", "degC day", "cooling degree days above {threshold:g} degC",
           f"{_MEAN} time: sum over days", "integral_wrt_time_of_air_temperature_excess", 18.0, settable=True),
    _index("RX1day", "greatest", "pr", "mm", "largest precipitation of one day",
           f"{_SUM} time: maximum over days", "lwe_thickness_of_precipitation_amount"),
    _index("RX5day", "greatest_of_five", "pr", "mm", "largest precipitation of five days in a row",
           "time: sum (interval: 5 days) time: maximum over days", "lwe_thickness_of_precipitation_amount"),
    _index("SDII", "wet_mean", "pr", "mm day-1", "mean precipitation of wet days (at least {threshold:g} mm)",
           f"{_SUM} time: mean over days", "lwe_precipitation_rate", 1.0, settable=True),
    _index("PRCPTOT", "wet_total", "pr", "mm", "precipitation of wet days (at least {threshold:g} mm)",
           f"{_SUM} time: sum over days", "lwe_thickness_of_precipitation_amount", 1.0, settable=True),
    _index("RR1", "count_from", "pr", "1", "wet days (at least {threshold:g} mm)",
           f"{_SUM} time: sum over days", _RAINY, 1.0, settable=True),
    _index("R10mm", "count_from", "pr", "1", "days with at least {threshold:g} mm",
           f"{_SUM} time: sum over days", _RAINY, 10.0),
    _index("R20mm", "count_from", "pr", "1", "days with at least {threshold:g} mm",
           f"{_SUM} time: sum over days", _RAINY, 20.0),
    _index("Rnnmm", "count_from", "pr", "1", "days with at least {threshold:g} mm",
           f"{_SUM} time: sum over days", _RAINY, None, settable=True),
    _index("CDD", "longest_dry", "pr", "days", "longest dry spell (days below {threshold:g} mm)",
           f"{_SUM} time: sum over days", "spell_length_of_days_with_lwe_thickness_of_precipitation_amount_below_threshold", 1.0,
           settable=True),
    _index("CWD", "longest_wet", "pr", "days", "longest wet spell (days with at least {threshold:g} mm)",
           f"{_SUM} time: sum over days", "spell_length_of_days_with_lwe_thickness_of_precipitation_amount_above_threshold", 1.0,
           settable=True),
    _index("TX10p", "share_below", "tasmax", "%", "days with a maximum below the 10th percentile of their calendar day",
           f"{_MAX} time: sum over days", percentile=0.1),
    _index("TX90p", "share_above", "tasmax", "%", "days with a maximum above the 90th percentile of their calendar day",
           f"{_MAX} time: sum over days", percentile=0.9),
    _index("TN10p", "share_below", "tasmin", "%", "days with a minimum below the 10th percentile of their calendar day",
           f"{_MIN} time: sum over days", percentile=0.1),
    _index("TN90p", "share_above", "tasmin", "%", "days with a minimum above the 90th percentile of their calendar day",
           f"{_MIN} time: sum over days", percentile=0.9),
    _index("WSDI", "warm_spells", "tasmax", "days", "days of at least six in a row above the 90th percentile of their calendar day",
           f"{_MAX} time: sum over days", percentile=0.9),
    _index("CSDI", "cold_spells", "tasmin", "days", "days of at least six in a row below the 10th percentile of their calendar day",
           f"{_MIN} time: sum over days", percentile=0.1),
    _index("R95pTOT", "heavy_total", "pr", "mm", "precipitation of days above the 95th percentile of wet days",
           f"{_SUM} time: sum over days", "lwe_thickness_of_precipitation_amount", 1.0, percentile=0.95),
    _index("R99pTOT", "heavy_total", "pr", "mm", "precipitation of days above the 99th percentile of wet days",
           f"{_SUM} time: sum over days", "lwe_thickness_of_precipitation_amount", 1.0, percentile=0.99),
    _index("SPI", "standardized", "pr", "1", "standardized precipitation index of {months} months",
           f"{_SUM} time: sum over days"),
)  # fmt: skip

INDICES: dict[str, Index] = {row.id: row for row in _ROWS}
SETTABLE: tuple[str, ...] = tuple(row.id for row in _ROWS if row.settable)
"""Indices of which a request may give the threshold."""
