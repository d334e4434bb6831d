"""Where a restarted run finds its state."""

import os
from typing import Iterator, Optional

from berth import _layout
from berth._environment import checkpoint_dir, rank, warn
from berth._metrics import continue_from, note


def resume_from() -> Optional[str]:
    """Returns the folder of the complete checkpoint to go on from, or None to start afresh.

    That is BERTH_RESUME_FROM when its every file has the size and SHA-256 of its manifest. When it
    does not, the user is warned and the newest complete one of the checkpoint folder is returned.
    Pieces written by all_ranks count only together, and only for as many ranks: each gets its own.
    Reads every file once. Never raises for what it finds on the disk.
    """
    root = checkpoint_dir()
    named = os.environ.get("BERTH_RESUME_FROM")
    if not named:
        if _layout.names(root):
            warn("BERTH_RESUME_FROM is not set: starting anew beside the checkpoints in " + root)
        return None
    named = os.path.abspath(named)
    for folder in _candidates(named, root):
        why = _layout.why_torn(folder)
        if why is None:
            continue_from(_layout.read_manifest(folder)["step"])
            if folder != named:
                _report("resuming from " + folder)
            return _own_piece(folder)
        _report("%s cannot be resumed from: %s" % (folder, why))
    _report("no complete checkpoint is left: starting at the beginning")
    return None


def _candidates(named: str, root: str) -> Iterator[str]:
    """Yields the named checkpoint, then the others of rank 0, newest first."""
    yield named
    for name in _layout.names(root):
        if os.path.join(root, name) != named:
            yield os.path.join(root, name)


def _own_piece(folder: str) -> str:
    alone = rank() == 0 or _layout.read_manifest(folder)["pieces"] == 1
    return folder if alone else _layout.sibling(folder, rank())


def _report(text: str) -> None:
    warn(text)
    note(text)
