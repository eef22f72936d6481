"""What the options of `aggregate` mean together, and which of them contradict each other or the dataset."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Literal, get_args

from gaia_processes.errors import Fault
from gaia_processes.inputs.bad_value import make_fault, show
from gaia_processes.inputs.seasons import SEASONS, Season
from gaia_processes.inputs.years import Years

type Statistic = Literal["mean", "sum", "min", "max", "std", "var", "median", "count", "quantile"]
type Dimension = Literal["time", "area", "longitude", "latitude", "level"]
type Period = Literal["all", "year", "season", "month", "day", "month-of-year", "season-of-year", "day-of-year"]

STATISTICS: tuple[str, ...] = get_args(Statistic.__value__)
DIMENSIONS: tuple[str, ...] = get_args(Dimension.__value__)
PERIODS: tuple[str, ...] = get_args(Period.__value__)

POOLED = {"month-of-year": "month", "season-of-year": "season", "day-of-year": "day"}
"""Periods that pool the steps of all years, and the period of one year that they are made of."""

_PER_TIME = re.compile(
    r"(?:^|[\s.*])(?P<unit>s|sec|seconds?|min|minutes?|h|hr|hours?|d|days?|months?|yr|years?|a)(?:\^|\*\*)?-1(?![0-9])"
    r"|/\s*(?P<over>s|sec|seconds?|min|minutes?|h|hr|hours?|d|days?|months?|yr|years?|a)(?![a-z0-9])"
)
_UNIT_S = {
    "s": 1.0, "sec": 1.0, "second": 1.0, "min": 60.0, "minute": 60.0, "h": 3600.0, "hr": 3600.0, "hour": 3600.0,
    "d": 86400.0, "day": 86400.0,
}  # fmt: skip
_WATT = re.compile(r"(?:^|(?<=[\s.*]))W(?![a-zA-Z])")


@dataclass(frozen=True, kw_only=True, slots=True)
class Rate:
    """
    What a unit is per time.

    Attributes
    ----------
    amount : str
        The unit of what a rate becomes that is multiplied by time.
    unit_s : float or None
        Seconds of the time; None where its length depends on the calendar (months and years).
    """

    amount: str
    unit_s: float | None


def find_rate(units: str) -> Rate | None:
    """
    Find out whether a unit is one of a rate.

    Parameters
    ----------
    units : str
        As a file says it.

    Returns
    -------
    Rate or None
        None where the unit has no time below the line.

    Examples
    --------
    >>> find_rate("kg m-2 s-1")
    Rate(amount='kg m-2', unit_s=1.0)
    >>> find_rate("W m-2")
    Rate(amount='J m-2', unit_s=1.0)
    >>> find_rate("K")
    """
    match = _PER_TIME.search(units)
    if match is None:
        power = _WATT.sub("J", units)
        return Rate(amount=power, unit_s=1.0) if power != units else None
    word = match["unit"] or match["over"]
    rest = (units[: match.start()] + units[match.end() :]).strip() or "1"
    seconds = _UNIT_S.get(word, _UNIT_S.get(word.removesuffix("s")))
    return Rate(amount=rest, unit_s=seconds)


@dataclass(frozen=True, kw_only=True, slots=True)
class Options:
    """What is asked of the data, beside which part of them."""

    statistic: str = "mean"
    quantile: float | None = None
    over: tuple[str, ...] = ("time",)
    period: str = "all"
    seasons: tuple[Season, ...] | None = None
    years: int = 1
    climatology: bool = False
    baseline: Years | None = None
    ratio: bool = False
    leap_day: bool = False
    min_valid_fraction: float | None = None
    ddof: int = 0
    integrate: bool = False

    @property
    def step(self) -> str:
        """The period of one year: `all`, `year`, `season`, `month` or `day`."""
        return POOLED.get(self.period, self.period)

    @property
    def pools(self) -> bool:
        """Whether the steps of all years are put together, without a statistic of each year before."""
        return self.period in POOLED and not self.climatology

    @property
    def is_anomaly(self) -> bool:
        """Whether the distance from a climatology is asked for."""
        return self.baseline is not None and not self.climatology

    @property
    def all_seasons(self) -> tuple[Season, ...]:
        """The seasons that are meant."""
        return SEASONS if self.seasons is None else self.seasons

    def least(self, default: float) -> float:
        """Give the least valid share; a count is never missing unless a share is asked for."""
        if self.min_valid_fraction is not None:
            return self.min_valid_fraction
        return 0.0 if self.statistic == "count" else default


def missing_quantile(options: Options) -> tuple[Fault, ...]:
    """Refuse a quantile without its number."""
    if options.statistic != "quantile" or options.quantile is not None:
        return ()
    return (
        _fault(
            "quantile",
            "The statistic quantile needs the input quantile, a number from 0 to 1, as 0.9.",
            "La statistique quantile demande l'entrée quantile, un nombre de 0 à 1, comme 0.9.",
            given=None,
        ),
    )


def contradictions(options: Options) -> tuple[Fault, ...]:
    """Say which options that were given mean nothing beside the others."""
    return tuple(_contradictions(options))


def _contradictions(o: Options) -> Iterator[Fault]:
    if o.quantile is not None and o.statistic != "quantile":
        yield _only_with("quantile", o.quantile, "statistic: quantile")
    if o.ddof and o.statistic not in {"std", "var"}:
        yield _only_with("ddof", o.ddof, "statistic: std, var")
    if o.integrate and (o.statistic != "sum" or "time" not in o.over):
        yield _only_with("integrate", o.integrate, "statistic: sum, over: time")
    yield from _contradicting_dimensions(o)
    yield from _contradicting_periods(o)
    yield from _overlapping_seasons(o.all_seasons)


def _contradicting_dimensions(o: Options) -> Iterator[Fault]:
    repeated = sorted({each for each in o.over if o.over.count(each) > 1})
    if repeated:
        yield _fault(
            "over",
            f"{', '.join(repeated)} stands twice in over; once is right.",
            f"{', '.join(repeated)} est deux fois dans over ; une fois suffit.",
            given=list(o.over),
        )
    if "area" in o.over and {"longitude", "latitude"} & set(o.over):
        yield _fault(
            "over",
            "area is longitude and latitude together; name area alone.",
            "area est longitude et latitude ensemble ; n'indiquez qu'area.",
            given=list(o.over),
        )


def _contradicting_periods(o: Options) -> Iterator[Fault]:
    timed = {"period": o.period != "all", "climatology": o.climatology, "baseline": o.baseline is not None}
    if "time" not in o.over:
        yield from (_only_with(name, getattr(o, name), "over: time", at=name) for name, given in timed.items() if given)
        return
    if o.period == "all" and (o.climatology or o.baseline is not None):
        yield _fault(
            "period",
            "A climatology, and what is apart from it, is of months, seasons, days or years; name one of them as period.",
            "Une climatologie, et l'écart à elle, est de mois, de saisons, de jours ou d'années ; indiquez-en un comme "
            "period.",
            given=o.period,
            allowed=("month", "season", "day", "year"),
        )
    if o.is_anomaly and o.period in POOLED:
        yield _fault(
            "period",
            f"Anomalies are of periods in time: {o.step} is right, or climatology: true with this period.",
            f"Les anomalies sont de périodes dans le temps : il faut {o.step}, ou climatology: true avec cette période.",
            given=o.period,
            allowed=(o.step,),
        )
    if o.ratio and not o.is_anomaly:
        yield _only_with("ratio", o.ratio, "baseline")
    if o.seasons is not None and o.step != "season":
        yield _only_with("seasons", [each.name for each in o.seasons], "period: season, season-of-year")
    if o.leap_day and not (o.step == "day" and (o.climatology or o.is_anomaly)):
        yield _only_with("leap_day", o.leap_day, "period: day, climatology")
    if o.years > 1 and (o.period != "year" or o.climatology or o.is_anomaly):
        yield _only_with("years", o.years, "period: year")


def _overlapping_seasons(seasons: Sequence[Season]) -> Iterator[Fault]:
    taken: dict[int, str] = {}
    for at, season in enumerate(seasons):
        other = next((taken[month] for month in season.months if month in taken), None)
        if other is not None:
            yield replace(
                _fault(
                    "seasons",
                    f"{season.name} has months of {other}; a month can be in one season alone.",
                    f"{season.name} a des mois de {other} ; un mois ne peut être que dans une saison.",
                    given=season.name,
                ),
                pointer=f"/inputs/seasons/{at}",
            )
        taken |= dict.fromkeys(season.months, season.name)


def _only_with(name: str, given: object, needed: str, at: str | None = None) -> Fault:
    return _fault(
        at or name,
        f"{name} means something only with {needed}; leave it out, or ask for that.",
        f"{name} n'a de sens qu'avec {needed} ; ne l'indiquez pas, ou demandez cela.",
        given=given if isinstance(given, bool | int | float | str | list) else show(str(given)),
    )


def _fault(name: str, en: str, fr: str, *, given: object, allowed: Sequence[object] = ()) -> Fault:
    return replace(make_fault(en, fr, given=given, allowed=allowed), input=name, pointer=f"/inputs/{name}")


def refuse_rate(name: str, units: str) -> Fault:
    """Say why the sum of a rate is no amount."""
    return _fault(
        "statistic",
        f"The sum of {name} over time means nothing, for it is a rate ({units}); give integrate: true, or take the mean.",
        f"La somme de {name} dans le temps ne veut rien dire, car c'est un taux ({units}) ; donnez integrate: true, ou "
        "prenez la moyenne.",
        given="sum",
    )


def refuse_integral(name: str, units: str) -> Fault:
    """Say why something cannot be multiplied by time."""
    return _fault(
        "integrate",
        f"{name} cannot be integrated over time: its unit ({units or 'none'}) is not per second, minute, hour or day.",
        f"{name} ne peut être intégré dans le temps : son unité ({units or 'aucune'}) n'est pas par seconde, minute, heure "
        "ou jour.",
        given=True,
    )
