"""Checkpoints that are whole or are not there.

A checkpoint is a folder `step-00000120`. It is written under a name that starts with a dot; its
files reach the disk, then MANIFEST.json with their sizes and SHA-256, then it gets its name.
"""

import itertools
import json
import operator
import os
import re
import time
from typing import Any, Dict, Mapping, Optional, Union

from berth import _due, _files, _layout
from berth._environment import attempt, checkpoint_dir, rank, warn, world_size
from berth._metrics import append

_TEMPORARY = re.compile(r"\.step-\d{8,}\.rank(\d+)\.attempt(.*)\.(\d+)\.([0-9a-f]{8})\.\d+")
_TOKEN = os.urandom(4).hex()  # Tells this process from an earlier one that had its pid.
_serial = itertools.count()


def checkpoint(
    step: int,
    files: Optional[Mapping[str, bytes]] = None,
    *,
    keep: int = 2,
    all_ranks: bool = False,
) -> Union["Checkpoint", str, None]:
    """Keeps the state of a step: `with checkpoint(3) as f:`, or checkpoint(3, {"a.pt": bytes}).

    The with form yields a folder to write into; when the block ends well, it becomes the
    checkpoint, and when it raises, nothing is left. Given files, it writes them at once and returns
    the path. Rank 0 alone keeps one: elsewhere files are ignored (None) and the folder is thrown
    away, so that a block with collectives runs everywhere. With all_ranks, every rank keeps its own
    piece in a checkpoint folder that all of them share. One of the same step is replaced; those of
    later steps, from a try that was abandoned, go; of the rest, the newest `keep` stay. Raises
    OSError when the state cannot be kept, as on a full disk: older ones are then still there.
    """
    step = operator.index(step)
    fewest = 2 if all_ranks else 1  # A rank ahead must not remove what the others still need.
    if step < 0 or keep < fewest:
        raise ValueError("a checkpoint needs step >= 0 and keep >= %d" % fewest)
    kept = all_ranks or rank() == 0
    if files is None:
        return Checkpoint(step, keep, all_ranks, kept)
    if not kept:
        return None
    pending = Checkpoint(step, keep, all_ranks, kept)
    with pending as folder:
        for name, content in files.items():
            path = os.path.join(folder, _layout.checked_name(name))
            os.makedirs(os.path.dirname(path), exist_ok=True)
            _files.write(path, content)
    return pending.path


class Checkpoint:
    """A checkpoint in the making; use it with `with`, once."""

    def __init__(self, step: int, keep: int, all_ranks: bool, kept: bool) -> None:
        self._step = step
        self._keep = keep
        self._pieces = world_size() if all_ranks else 1
        self._kept = kept
        self._entered = False
        self._began = 0.0
        self._root = checkpoint_dir()
        self._folder = ""
        self.path = os.path.join(self._root, _layout.name(step, rank() if all_ranks else 0))

    def __enter__(self) -> str:
        self._entered = True
        self._began = time.monotonic()
        os.makedirs(self._root, exist_ok=True)
        _remove_leftovers(self._root)
        self._folder = _temporary_path(self._root, self._step)
        os.mkdir(self._folder)
        return self._folder

    def __exit__(self, kind: Any, trouble: Any, trace: Any) -> None:
        try:
            if kind is None and self._kept:
                self._finish()
        finally:
            _files.remove_tree(self._folder)
        if kind is None:
            _due.kept(self._seconds())

    def _seconds(self) -> float:
        return time.monotonic() - self._began

    def __del__(self) -> None:
        if not self._entered:
            warn("checkpoint(%d) kept nothing: use it with `with`" % self._step)

    def _finish(self) -> None:
        files = _sync_tree(self._folder)
        manifest = {
            "version": _layout.VERSION,
            "step": self._step,
            "t": int(time.time() * 1000),
            "seconds": round(self._seconds(), 3),
            "job": os.environ.get("BERTH_JOB_ID", ""),
            "attempt": attempt(),
            "rank": rank(),
            "pieces": self._pieces,
            "files": files,
        }
        text = json.dumps(manifest, indent=1, sort_keys=True) + "\n"
        _files.write(os.path.join(self._folder, _layout.MANIFEST), text.encode())
        _files.sync(self._folder)
        _publish(self._folder, self.path)
        _prune(self._root, os.path.basename(self.path), self._keep)
        size_bytes = sum(file["bytes"] for file in files.values())
        name = os.path.basename(self.path)
        append("checkpoint", name=name, step=self._step, bytes=size_bytes)


def _sync_tree(top: str) -> Dict[str, Dict[str, Any]]:
    """Writes every file and folder below through to the disk and returns what the files are."""
    files = {}
    for folder, folders, names in os.walk(top, topdown=False):
        for name in names + folders:
            path = os.path.join(folder, name)
            if os.path.islink(path) or not (os.path.isfile(path) or os.path.isdir(path)):
                raise ValueError("a checkpoint holds plain files and folders only: " + path)
        for name in names:
            path = os.path.join(folder, name)
            _files.sync(path)
            size_bytes, sha256 = _files.measure(path)
            inside = _layout.checked_name(os.path.relpath(path, top))
            files[inside] = {"bytes": size_bytes, "sha256": sha256}
        _files.sync(folder)
    return files


def _prune(root: str, written: str, keep: int) -> None:
    """Removes this rank's checkpoints of later steps, without a manifest, and beyond `keep`."""
    step, piece = _layout.place(written)
    left = keep
    for name in _layout.names(root, piece):
        whole = os.path.exists(os.path.join(root, name, _layout.MANIFEST))
        if whole and _layout.place(name)[0] <= step and left > 0:
            left -= 1
        else:
            _discard(os.path.join(root, name))


def _discard(folder: str) -> None:
    """Removes a checkpoint, its name first, so that a kill in between leaves none half removed."""
    doomed = _temporary_path(os.path.dirname(folder), 0)
    try:
        os.rename(folder, doomed)
    except OSError:
        return  # It is tried again after the next checkpoint.
    _files.remove_tree(doomed)


def _publish(folder: str, path: str) -> None:
    """Gives a finished folder its name, in the place of one that may be there."""
    root = os.path.dirname(path)
    aside = _temporary_path(root, 0)
    if os.path.lexists(path):
        os.rename(path, aside)
    os.rename(folder, path)
    _files.sync(root)
    _files.remove_tree(aside)


def _temporary_path(root: str, step: int) -> str:
    """Returns a new path that says whose it is, and that is no checkpoint's."""
    owner = (step, rank(), attempt(), os.getpid(), _TOKEN, next(_serial))
    return os.path.join(root, ".step-%08d.rank%d.attempt%s.%d.%s.%d" % owner)


def _remove_leftovers(root: str) -> None:
    """Removes what earlier attempts and dead processes of this rank left half written."""
    for name in os.listdir(root):
        match = _TEMPORARY.fullmatch(name)
        if not match:
            continue
        of_rank, of_attempt, pid, token = match.groups()
        gone = int(of_rank) == rank() and not _is_alive(int(pid), token)
        if gone or of_attempt != attempt():
            _files.remove_tree(os.path.join(root, name))


def _is_alive(pid: int, token: str) -> bool:
    if pid == os.getpid():
        return token == _TOKEN
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except OSError:  # It is another user's.
        pass
    return True
