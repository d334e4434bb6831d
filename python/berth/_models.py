"""Models that a run hands over."""

import os
from typing import Any, Optional, Union

from berth import _files
from berth._environment import output_dir
from berth._metrics import append, plain

_LONGEST_NAME = 200


def save_model(
    path_or_bytes: Union[str, "os.PathLike[str]", bytes],
    name: Optional[str] = None,
    **metadata: Any,
) -> str:
    """Keeps a model under its name in the output folder and registers it with what is known of it.

    Takes a file's path or the bytes themselves; the name is the file's unless given. A model of
    that name is replaced at once and never seen half written. Every rank that calls saves, so call
    it on one. Returns the path. Raises OSError when it cannot be kept, ValueError for a bad name.
    """
    content = path_or_bytes if isinstance(path_or_bytes, (bytes, bytearray, memoryview)) else None
    source = None if content is not None else os.fspath(path_or_bytes)
    if name is None:
        if source is None:
            raise ValueError("save_model() needs name= when it is given bytes")
        name = os.path.basename(source)
    _check_name(name)
    if source is not None and os.path.isdir(source):
        raise ValueError("a model is one file; pack the folder first: %s" % source)

    folder = os.path.join(output_dir(), "models")
    os.makedirs(folder, exist_ok=True)
    path = os.path.join(folder, name)
    temporary = os.path.join(folder, ".%s.%d" % (name, os.getpid()))
    try:
        if content is not None:
            _files.write(temporary, content)
        else:
            _files.copy(source, temporary)
        size_bytes, sha256 = _files.measure(temporary)
        os.replace(temporary, path)
    except BaseException:
        if os.path.exists(temporary):
            os.unlink(temporary)
        raise
    _files.sync(folder)
    fields = {"name": name, "file": "models/" + name, "bytes": size_bytes, "sha256": sha256}
    append("model", metadata=plain(metadata), **fields)
    return path


def _check_name(name: str) -> None:
    bad = not name or len(name.encode()) > _LONGEST_NAME or name.startswith(".")
    if bad or "/" in name or not name.isprintable():
        raise ValueError("a model's name is a plain file name, not %r" % name)
