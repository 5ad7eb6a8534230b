"""Uploads, and what they leave on disk."""

import os
from collections.abc import Sequence
from io import BytesIO
from pathlib import Path
from typing import Any

from storage.auditing import Actor
from storage.files import ORPHAN_SECONDS, Files, FileView
from storage.flow_store import FlowView

FLOW = "0b105ea0-ccef-46c8-844d-d57373370a52"
OTHER_FLOW = "7e6f2b4e-8d5c-4b8f-8f4a-2f2f5f7f9a11"
ANN = Actor("ann-1", "ann", "10.0.0.7")


def add(files: Files, user_id: str, name: str = "note.txt", content: bytes = b"hello", **given: Any) -> FileView:
    return files.add(user_id, name, BytesIO(content), by=ANN, **given)


def add_to(files: Files, flow: FlowView) -> FileView:
    return files.add_to_flow(flow, "note.txt", BytesIO(b"hello"), by=ANN)


def on_disk(files: Files) -> Sequence[str]:
    return sorted(str(path.relative_to(files.folder)) for path in files.folder.rglob("*") if path.is_file())


def grow_old(path: Path) -> None:
    """Lets a file have been written longer ago than any upload takes."""
    moment = path.stat().st_mtime - ORPHAN_SECONDS - 1
    os.utime(path, (moment, moment))
