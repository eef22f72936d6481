"""The order that a work's current attempt is sent out with."""

from gaia_config.settings import Settings
from gaia_server.jobs.records import Work
from gaia_workers.contract import Order


def order_of(work: Work, settings: Settings) -> Order:
    """Make the order for the current attempt of a work."""
    return Order(
        job_id=work.id,
        part=0,
        attempt=work.attempt,
        process_id=work.process_id,
        process_version=work.process_version,
        inputs=work.inputs,
        formats=work.formats,
        accepted=work.accepted,
        queue_deadline=work.deadline,
        time_limit_s=settings.time_limit_s,
        memory_limit_bytes=settings.memory_limit,
        centre=work.centre,
        queue=work.queue,
        uploads=work.uploads,
        brought=work.brought,
    )
