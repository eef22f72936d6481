"""How long works take, measured: by centre, queue and process, as a straight line over what was estimated."""

from dataclasses import dataclass
from math import sqrt

from sqlalchemy import Connection, bindparam, insert, select, update

from gaia_server.jobs.records import Work
from gaia_server.jobs.statements import Statement
from gaia_server.jobs.tables import paces

MEMORY = 0.98
"""What an observation weighs after the next one: about the last fifty count."""
UNMEASURED_S = 0.1
STEEPEST = 100.0
LEAST_S = 0.001
_SPREAD = 0.1
_SUMS = ("weight", "estimated", "took", "estimated_squared", "product")
_COUNT = Statement(
    update(paces)
    .where(
        paces.c.centre == bindparam("at_centre"),
        paces.c.queue == bindparam("in_queue"),
        paces.c.process_id == bindparam("of_process"),
    )
    .values({name: MEMORY * paces.c[name] + bindparam(f"seen_{name}") for name in _SUMS})
)


@dataclass(frozen=True, kw_only=True, slots=True)
class Pace:
    """
    What was seen of works: sums of weights, estimates (s), times (s), and of the squares and products that a line needs.

    References
    ----------
    Weighted least squares with exponential forgetting, in one variable: Ljung, System Identification (1999), section 11.2.
    """

    weight: float
    estimated: float
    took: float
    estimated_squared: float
    product: float

    @property
    def mean_s(self) -> float:
        """How long they took on average, s."""
        return self.took / self.weight

    def seconds(self, cost_s: float) -> float:
        """Tell how long a work with this estimate (s) will take, s."""
        mean = self.estimated / self.weight
        variance = self.estimated_squared / self.weight - mean**2
        slope = 1.0
        if variance > 0 and sqrt(variance) > _SPREAD * mean:
            covariance = self.product / self.weight - mean * self.mean_s
            slope = min(max(covariance / variance, 0.0), STEEPEST)
        return max(self.mean_s + slope * (cost_s - mean), LEAST_S)


def seconds_of(pace: Pace | None, cost_s: float) -> float:
    """Tell how long a work will take, s; by its estimate alone where nothing like it was measured."""
    return cost_s + UNMEASURED_S if pace is None else pace.seconds(cost_s)


def find_paces(connection: Connection) -> dict[tuple[str, str, str], Pace]:
    """Read all of them, by centre, queue and process."""
    return {
        (row.centre, row.queue, row.process_id): Pace(
            weight=row.weight,
            estimated=row.estimated,
            took=row.took,
            estimated_squared=row.estimated_squared,
            product=row.product,
        )
        for row in connection.execute(select(paces))
    }


def note_pace(connection: Connection, work: Work, took_s: float) -> None:
    """Count a work that ended well."""
    here = {"at_centre": work.centre, "in_queue": work.queue, "of_process": work.process_id}
    seen = {
        "weight": 1.0,
        "estimated": work.cost_s,
        "took": took_s,
        "estimated_squared": work.cost_s**2,
        "product": work.cost_s * took_s,
    }
    if _COUNT.change(connection, here | {f"seen_{name}": value for name, value in seen.items()}) == 0:
        row = {"centre": work.centre, "queue": work.queue, "process_id": work.process_id}
        connection.execute(insert(paces), row | seen)
