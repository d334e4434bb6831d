"""When to keep a checkpoint: as often as failures make it worth its time."""

import math
import os
import time
from typing import Optional

from berth import _layout
from berth._environment import checkpoint_dir, rank, tell

_FIRST_S = 60.0  # Until what one costs is known.
_LEAST_S = 0.001  # Nothing takes no time.
_MTBF_S = 86_400.0  # Outside Berth.

_since = time.monotonic()  # The last one, or the start.
_cost_s: Optional[float] = None
_has_looked = False  # For what one took before.
_said_s: Optional[float] = None


def checkpoint_due() -> bool:
    """Returns whether to keep a checkpoint now: the last one was so long ago as is best.

    Best is sqrt(2 C M) (Young, A First Order Approximation to the Optimum Checkpoint Interval, CACM
    1974): C seconds for one, as the last one took, M seconds between two failures, as BERTH_MTBF
    says of these nodes and this job. What one takes is known from an earlier attempt, or from a
    first one after a minute. Ranks may come to different answers: let that of rank 0 count for all.
    """
    interval_s = _interval_s()
    if _cost_s is not None:
        _tell(interval_s)
    return time.monotonic() - _since >= interval_s


def kept(seconds: float) -> None:
    """A checkpoint is there; it took so long."""
    global _since, _cost_s
    _since = time.monotonic()
    _cost_s = seconds


def _interval_s() -> float:
    global _cost_s, _has_looked
    if _cost_s is None and not _has_looked:
        _cost_s = _cost_before()
        _has_looked = True
    if _cost_s is None:
        return _FIRST_S
    return math.sqrt(2 * max(_cost_s, _LEAST_S) * _mtbf_s())


def _tell(interval_s: float) -> None:
    """Says how often, and again when it is another matter."""
    global _said_s
    if rank() != 0 or (_said_s is not None and 0.5 <= interval_s / _said_s <= 2):
        return
    _said_s = interval_s
    text = "best is a checkpoint every %.0f s: one takes %.3g s, a failure is due every %.3g h"
    tell(text % (_said_s, _cost_s, _mtbf_s() / 3600))


def _cost_before() -> Optional[float]:
    """Returns what the newest checkpoint of an earlier attempt took, if there is one."""
    root = checkpoint_dir()
    for name in _layout.names(root)[:1]:
        try:
            return float(_layout.read_manifest(os.path.join(root, name))["seconds"])
        except (OSError, ValueError, KeyError, TypeError):
            return None
    return None


def _mtbf_s() -> float:
    try:
        return max(1, int(os.environ.get("BERTH_MTBF", "")))
    except ValueError:
        return _MTBF_S
