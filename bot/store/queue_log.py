"""What the queue's library may log: which job, and never what it was given."""

from __future__ import annotations

import logging

_OF_NO_USE = ("worker", "result", "start_timestamp", "end_timestamp", "duration")


class WithoutArguments(logging.Filter):
    """Arguments hold what people typed and addresses that answer in their name."""

    def filter(self, record: logging.LogRecord) -> bool:
        """Rewrites the record of a job; every record is let through."""
        job = vars(record).pop("job", None)
        if isinstance(job, dict):
            record.msg, record.args = f"job: {record.__dict__.pop('action', 'log')}", ()
            record.__dict__ |= {"job": job.get("id"), "task": job.get("task_name")}
        for name in _OF_NO_USE:
            vars(record).pop(name, None)
        return True


def keep_arguments_out() -> None:
    """Sees to it for the rest of this process; asked again, it does nothing more."""
    library = logging.getLogger("procrastinate.worker")
    if not any(isinstance(each, WithoutArguments) for each in library.filters):
        library.addFilter(WithoutArguments())
