"""Metric points and other news of a run, as JSON lines that the agent ships."""

import json
import math
import os
import time
from typing import Any, Dict, Mapping, Optional, Union

from berth._environment import warn_once

_next_step = 0
_looked_at = set()  # Files whose end was seen to be the end of a line.


def log(
    first: Union[Mapping[str, Any], int, None] = None,
    /,
    step: Optional[int] = None,
    **metrics: Any,
) -> None:
    """Records metrics of one step: log(step=3, loss=0.4), log(3, loss=0.4) or log({...}, step=3).

    A value is a number or has item(), as a scalar tensor has. Without a step it is the one after
    the last. Never raises: what cannot be recorded is dropped with one warning.
    """
    global _next_step
    try:
        values: Dict[str, Any] = {}
        if isinstance(first, Mapping):
            values.update(first)
        elif first is not None:
            step = first
        values.update(metrics)
        at = _next_step if step is None else int(step)
        encoded = _encode_values(values)
    except Exception as trouble:
        warn_once("log", "log() dropped a point: %s" % trouble)
        return
    _next_step = at + 1
    if encoded:
        append("metric", step=at, values=encoded)


def note(text: str) -> None:
    """Records a sentence that the run's page shows beside its curves. Never raises."""
    append("note", text=str(text))


def continue_from(step: int) -> None:
    """Makes the next log() without a step count on from a checkpoint's."""
    global _next_step
    _next_step = step + 1


def append(kind: str, **fields: Any) -> None:
    """Appends one line to BERTH_METRICS_FILE in one write; does nothing without that variable.

    The file is opened anew for each line: a fork, a rotated or a removed file does no harm.
    """
    path = os.environ.get("BERTH_METRICS_FILE")
    if not path:
        return
    record = {"t": int(time.time() * 1000), "kind": kind}
    record.update(fields)
    try:
        line = json.dumps(record, allow_nan=False, separators=(",", ":")) + "\n"
        _append_line(path, line.encode("ascii"))
    except Exception as trouble:
        warn_once("append", "nothing can be recorded in %s: %s" % (path, trouble))


def plain(value: Any) -> Any:
    """Returns what strict JSON can hold: nan and inf become strings, the unknown its str()."""
    if value is None or isinstance(value, (str, bool)):
        return value
    if isinstance(value, Mapping):
        return {str(key): plain(part) for key, part in value.items()}
    if isinstance(value, (list, tuple)):
        return [plain(part) for part in value]
    try:
        return _encode_number(value)
    except Exception:
        return str(value)


def _encode_values(values: Mapping[str, Any]) -> Dict[str, Any]:
    encoded = {}
    for name, value in values.items():
        try:
            encoded[str(name)] = _encode_number(value)
        except Exception as trouble:
            warn_once("value " + str(name), "log() dropped %r, not a number: %s" % (name, trouble))
    return encoded


def _encode_number(value: Any) -> Union[int, float, str]:
    if isinstance(value, (str, bytes, bytearray)):
        raise TypeError("it is text")
    if not isinstance(value, (int, float)):
        value = value.item() if hasattr(value, "item") else float(value)
    if isinstance(value, int):
        return int(value)
    value = float(value)
    if math.isnan(value):
        return "nan"
    if math.isinf(value):
        return "inf" if value > 0 else "-inf"
    return value


def _append_line(path: str, line: bytes) -> None:
    file = os.open(path, os.O_RDWR | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o644)
    try:
        if path not in _looked_at:
            size = os.fstat(file).st_size
            if size > 0 and os.pread(file, 1, size - 1) != b"\n":
                line = b"\n" + line  # Ends what a full disk or a killed process left half written.
            _looked_at.add(path)
        if os.write(file, line) != len(line):
            _looked_at.discard(path)
            raise OSError("the disk took only part of a line")
    finally:
        os.close(file)
