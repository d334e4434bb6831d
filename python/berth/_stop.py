"""How a run learns that it should save its work and end."""

import os
import signal
import time
from types import FrameType
from typing import Any, Optional

_heard = False
_listening = False
_earlier: Any = None


def should_stop() -> bool:
    """Returns whether to checkpoint and end now: SIGTERM came, or the agent left the stop file.

    The first call in the main thread starts to listen for SIGTERM, which then no longer ends the
    process by itself; an earlier handler is still called. Ranks may hear at different steps: let
    them agree (all-reduce the answer) before any leaves a collective.
    """
    global _heard
    if not _listening:
        _listen()
    if not _heard and _stop_file_exists():
        _heard = True
    return _heard


def seconds_left() -> Optional[float]:
    """Returns how long until the ranks are stopped, at least 0.0, or None when nobody has said.

    The stop file's deadline counts first, then BERTH_STOP_DEADLINE, the end known at the start.
    """
    deadline_ms = _stop_file_deadline_ms()
    if deadline_ms is None:
        deadline_ms = _whole_number(os.environ.get("BERTH_STOP_DEADLINE", ""))
    if deadline_ms is None:
        return None
    return max(0.0, deadline_ms / 1000.0 - time.time())


def _listen() -> None:
    global _listening, _earlier
    earlier = signal.getsignal(signal.SIGTERM)
    if earlier is None:  # A handler that is not Python's: it could not be called on, so it stays.
        _listening = True
        return
    _earlier = earlier
    try:
        signal.signal(signal.SIGTERM, _on_terminate)
        _listening = True
    except ValueError:  # Not the main thread: the stop file alone, until that one asks.
        pass


def _on_terminate(number: int, frame: Optional[FrameType]) -> None:
    global _heard
    _heard = True
    if callable(_earlier):
        _earlier(number, frame)


def _stop_file_exists() -> bool:
    path = os.environ.get("BERTH_STOP_FILE")
    return bool(path) and os.path.exists(path)


def _stop_file_deadline_ms() -> Optional[int]:
    path = os.environ.get("BERTH_STOP_FILE")
    if not path:
        return None
    try:
        with open(path, encoding="ascii", errors="replace") as file:
            return _whole_number(file.read(64))
    except OSError:
        return None


def _whole_number(text: str) -> Optional[int]:
    try:
        return int(text)
    except ValueError:
        return None
