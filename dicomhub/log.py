"""Logging: structlog, an event name and fields, one line an event.

Field names in use: process, association, peer, calling_ae_title, called_ae_title, tenant, batch, task,
study, series, instance, trace_id, seconds. Never a patient's name, ID or data.
"""

import logging
import sys
from typing import Any

import structlog

from dicomhub.environment import LogFormat


def _renderer(log_format: LogFormat) -> Any:
    if log_format == "json":
        return structlog.processors.JSONRenderer()
    return structlog.dev.ConsoleRenderer(colors=sys.stderr.isatty(), pad_event_to=0)


def configure(process: str, *, log_format: LogFormat, level: str) -> None:
    """Send this process's events, and what libraries log with the standard module, to standard error."""
    shared: list[Any] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
    ]
    structlog.configure(
        processors=[*shared, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.make_filtering_bound_logger(logging.getLevelName(level)),
        cache_logger_on_first_use=True,
    )
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared,
            processors=[
                structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                structlog.processors.format_exc_info,
                _renderer(log_format),
            ],
        )
    )
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level)
    # At DEBUG it writes whole pages' contexts: patients, and an API token that has just been made.
    logging.getLogger("django.template").setLevel(logging.INFO)
    structlog.contextvars.bind_contextvars(process=process)


def logger(**fields: object) -> structlog.stdlib.BoundLogger:
    bound: structlog.stdlib.BoundLogger = structlog.get_logger(**fields)
    return bound
