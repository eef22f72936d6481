"""How every process of ours logs: one JSON object a line on standard error, safe against what users send."""

import logging
import sys

import structlog
from structlog.tracebacks import ExceptionDictTransformer


def set_up_logs(level: str) -> None:
    """
    Log structured lines from `level` on; what libraries say, from warnings on, in the same form.

    Parameters
    ----------
    level : str
        `DEBUG`, `INFO`, `WARNING` or `ERROR`.
    """
    least = logging.getLevelNamesMapping()[level]
    about = (structlog.processors.add_log_level, structlog.processors.TimeStamper(fmt="iso", utc=True))
    written = (
        structlog.processors.ExceptionRenderer(ExceptionDictTransformer(show_locals=False)),  # locals hold secrets
        structlog.processors.JSONRenderer(ensure_ascii=False),
    )
    libraries = logging.StreamHandler(sys.stderr)
    libraries.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=(structlog.stdlib.add_logger_name, *about),
            processors=(structlog.stdlib.ProcessorFormatter.remove_processors_meta, *written),
        )
    )
    logging.basicConfig(handlers=[libraries], level=max(least, logging.WARNING))
    structlog.configure(
        processors=[structlog.contextvars.merge_contextvars, *about, *written],
        wrapper_class=structlog.make_filtering_bound_logger(least),
        logger_factory=structlog.WriteLoggerFactory(sys.stderr),
        cache_logger_on_first_use=True,
    )
