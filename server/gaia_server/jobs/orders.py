"""The order that a job's current attempt is sent out with."""

from gaia_config.settings import Settings
from gaia_server.jobs.records import Job
from gaia_workers.contract import Order


def order_of(job: Job, settings: Settings) -> Order:
    """Make the order for the current attempt of a job."""
    return Order(
        job_id=job.id,
        part=0,
        attempt=job.attempt,
        process_id=job.process_id,
        process_version=job.process_version,
        inputs=job.demand.inputs,
        formats={output.id: output.format for output in job.demand.outputs},
        accepted=job.accepted,
        queue_deadline=job.deadline,
        time_limit_s=settings.time_limit_s,
        memory_limit_bytes=settings.memory_limit,
        centre=job.centre,
        queue=job.queue,
    )
