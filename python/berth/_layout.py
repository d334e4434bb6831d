"""How checkpoints lie in their folder: names, manifests, and whether one is complete.

    step-00000120                what rank 0, or the only writer, kept of step 120
    step-00000120-rank-00003     the piece of rank 3, where every rank keeps its own
    .step-00000120.rank0. ...    not finished, or being removed: no checkpoint
"""

import json
import operator
import os
import re
from typing import Any, Dict, List, Optional, Tuple

from berth import _files
from berth._environment import world_size

MANIFEST = "MANIFEST.json"
VERSION = 1
_NAME = re.compile(r"step-(\d{8,})(?:-rank-(\d{5,}))?")


def name(step: int, piece: int) -> str:
    return "step-%08d" % step + ("-rank-%05d" % piece if piece else "")


def place(entry: str) -> Optional[Tuple[int, int]]:
    """Returns the step and the rank of a checkpoint's name, or None for any other name."""
    match = _NAME.fullmatch(entry)
    return (int(match.group(1)), int(match.group(2) or 0)) if match else None


def names(root: str, piece: int = 0) -> List[str]:
    """Returns the names of a rank's checkpoints, newest first."""
    try:
        entries = os.listdir(root)
    except OSError:
        return []
    mine = [entry for entry in entries if (place(entry) or (0, -1))[1] == piece]
    return sorted(mine, key=lambda entry: place(entry)[0], reverse=True)


def sibling(folder: str, piece: int) -> str:
    return "%s-rank-%05d" % (folder, piece)


def checked_name(file: str) -> str:
    """Returns the name of a file inside a checkpoint, or raises ValueError if it leads out."""
    parts = file.split("/")
    if any(part in ("", ".", "..") for part in parts) or parts == [MANIFEST]:
        raise ValueError("a checkpoint's file has a relative name, and not %r" % file)
    return file


def read_manifest(folder: str) -> Dict[str, Any]:
    """Returns a manifest of the right form. Raises OSError or ValueError for any other."""
    path = os.path.join(folder, MANIFEST)
    with open(path, "rb") as manifest_file:
        text = manifest_file.read()
    try:
        manifest = json.loads(text)
        if manifest["version"] != VERSION or manifest["pieces"] < 1 or manifest["step"] < 0:
            raise ValueError("its version, step or pieces are unknown")
        for file, known in manifest["files"].items():
            checked_name(file)
            operator.index(known["bytes"]), str(known["sha256"])
    except (TypeError, KeyError, AttributeError, ValueError) as trouble:
        raise ValueError("%s is no manifest: %s" % (path, trouble)) from None
    return manifest


def why_torn(folder: str) -> Optional[str]:
    """Returns None when all pieces of a checkpoint are complete, else what is wrong, for people."""
    try:
        pieces = read_manifest(folder)["pieces"]
        if pieces not in (1, world_size()):
            return "it was written by %d ranks, this gang has %d" % (pieces, world_size())
        for piece in range(pieces):
            path = folder if piece == 0 else sibling(folder, piece)
            for file, known in read_manifest(path)["files"].items():
                if _files.measure(os.path.join(path, file)) != (known["bytes"], known["sha256"]):
                    return "%s is not what was written" % os.path.join(path, file)
    except (OSError, ValueError) as trouble:
        return str(trouble)
    return None
