"""Files that are whole on the disk before anyone is told of them."""

import os
from typing import Tuple

_BLOCK_BYTES = 1 << 20


def write(path: str, content: bytes) -> None:
    """Writes a file and its bytes through to the disk."""
    with open(path, "wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())


def sync(path: str) -> None:
    """Writes what is known of a file or a folder through to the disk."""
    file = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        os.fsync(file)
    finally:
        os.close(file)


def measure(path: str) -> Tuple[int, str]:
    """Returns a file's size in bytes and its SHA-256 in hex. Reads all of it."""
    import hashlib  # Late: it is a quarter of what importing this package would cost.

    digest = hashlib.sha256()
    size_bytes = 0
    with open(path, "rb", buffering=0) as file:
        while True:
            block = file.read(_BLOCK_BYTES)
            if not block:
                return size_bytes, digest.hexdigest()
            digest.update(block)
            size_bytes += len(block)


def copy(source: str, path: str) -> None:
    """Copies a file's bytes, and those through to the disk."""
    with open(source, "rb") as given, open(path, "wb") as file:
        while True:
            block = given.read(_BLOCK_BYTES)
            if not block:
                break
            file.write(block)
        file.flush()
        os.fsync(file.fileno())


def remove_tree(folder: str) -> None:
    """Removes a folder with all that is in it, as far as that is possible."""
    import shutil  # Late, as hashlib above.

    shutil.rmtree(folder, ignore_errors=True)
