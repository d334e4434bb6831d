"""The variables that an agent sets for a rank, read anew at every call."""

import os
import sys

_warned = set()


def rank() -> int:
    """Returns this process's place in its gang, from 0; 0 outside Berth and torch."""
    return _number("BERTH_RANK", "RANK", 0)


def world_size() -> int:
    """Returns how many ranks the gang has; 1 outside Berth and torch."""
    return _number("BERTH_WORLD_SIZE", "WORLD_SIZE", 1)


def attempt() -> str:
    """Returns which try at running the gang this is, or "" outside Berth."""
    return os.environ.get("BERTH_ATTEMPT", "")


def output_dir() -> str:
    """Returns the folder whose files are kept after the job; makes it. ./outputs outside Berth."""
    folder = os.path.abspath(os.environ.get("BERTH_OUTPUT_DIR") or "outputs")
    os.makedirs(folder, exist_ok=True)
    return folder


def checkpoint_dir() -> str:
    """Returns the folder of this job's checkpoints, which may not exist yet; else ./checkpoints."""
    return os.path.abspath(os.environ.get("BERTH_CHECKPOINT_DIR") or "checkpoints")


def warn(text: str) -> None:
    tell("warning: " + text)


def tell(text: str) -> None:
    """Tells the user on stderr, which is in the job's log, and never raises."""
    try:
        sys.stderr.write("berth: " + text + "\n")
        sys.stderr.flush()
    except Exception:  # A closed stderr must not end a training.
        pass


def warn_once(topic: str, text: str) -> None:
    """Warns at the first call for a topic and is silent after it."""
    if topic not in _warned:
        _warned.add(topic)
        warn(text)


def _number(name: str, other_name: str, otherwise: int) -> int:
    for key in (name, other_name):
        text = os.environ.get(key)
        if text:
            try:
                return int(text)
            except ValueError:
                raise ValueError("%s is not a whole number: %r" % (key, text)) from None
    return otherwise
