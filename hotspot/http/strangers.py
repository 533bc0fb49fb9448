"""Bytes that are not HTTP: whoever sends them costs a line in the log, and no traceback."""

import logging

from aiohttp.http_exceptions import HttpProcessingError

_SHOWN = 100
_SENTENCE = "A request was not understood as HTTP: %s"


def server_log() -> logging.Logger:
    """The log for a server's connections.

    Errors of whoever sends are told in one line, as information: a TLS hello on this port, an
    address of 8 KB, a header that is none. Everything else is told as it is.
    """
    log = logging.getLogger(__name__)
    log.addFilter(_told_in_one_line)  # the same function is added once only
    return log


def _told_in_one_line(record: logging.LogRecord) -> bool:
    error = record.exc_info[1] if record.exc_info else None
    if isinstance(error, HttpProcessingError) and error.code < 500:
        record.msg, record.args = _SENTENCE, (" ".join(error.message.split())[:_SHOWN],)
        record.exc_info = None
        record.levelno = min(record.levelno, logging.INFO)
        record.levelname = logging.getLevelName(record.levelno)
    return True
