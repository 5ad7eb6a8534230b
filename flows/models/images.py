"""The images that go along with what a model is asked."""

from base64 import b64encode
from collections.abc import AsyncIterator, Sequence

from flows.context import VertexContext
from flows.files import is_elsewhere

MAX_IMAGE_BYTES = 50_000_000
"""Bytes of all uploaded images of one request (I10)."""


async def images_of(files: Sequence[str], context: VertexContext) -> AsyncIterator[str]:
    """Each file of a message as a URL that a model can read: one that was uploaded travels whole."""
    size = 0
    for file in files:
        if is_elsewhere(file):
            yield file
            continue
        found = await context.tools.files.read(file)
        size += len(found.content)
        if not found.media_type.startswith("image/"):
            raise ValueError(f"the file {found.name!r} is no image, and nothing else can be shown to a model.")
        if size > MAX_IMAGE_BYTES:
            raise ValueError(f"the images have more than {MAX_IMAGE_BYTES} bytes together.")
        yield f"data:{found.media_type};base64,{b64encode(found.content).decode()}"
