"""Files that are there whole, and on the disk, or not at all: keys, and what a client keeps."""

import os
import secrets
from pathlib import Path


def write_whole(file: Path, content: bytes, *, replace: bool = True) -> None:
    """Write a file, for its owner alone, that is on the disk when this returns; raises `OSError`.

    Without `replace`, of two that make the file one wins, and what the other brings is dropped.
    """
    draft = file.with_name(f".{file.name}.{os.getpid()}.{secrets.token_hex(4)}")
    try:
        with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as handle:
            handle.write(content)
            handle.flush()
            os.fsync(handle.fileno())
        if replace:
            draft.replace(file)
        else:
            _link(draft, file)
    finally:
        draft.unlink(missing_ok=True)
    # The name too must outlive a power cut.
    sync_folder(file.parent)


def sync_folder(folder: Path) -> None:
    """Bring the names in a folder to the disk, where the system can."""
    if os.name != "posix":
        return
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _link(draft: Path, file: Path) -> None:
    try:
        os.link(draft, file)
    except FileExistsError:
        return
