"""Frames of server-sent events."""


def frame(data: bytes, id: object) -> bytes:
    """One frame: `data`, then `id` (contract 3). The data is JSON that escapes every line break."""
    return b"data: %b\nid: %b\n\n" % (data, str(id).encode())
