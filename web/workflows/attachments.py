"""The files that come with a run: each must be one that this run may read, before anything of it is stored."""

from collections.abc import Sequence

from flows.files import is_elsewhere
from storage.files import Files
from storage.levels import Trust
from web.errors import Refusal


def check_files(
    files: Files, paths: Sequence[str], user_id: str, flow_id: str, trust: Trust, end_user: str | None
) -> None:
    """Refuses with 422 the first path that is no stored file, or not one for this run, and does not tell which (I9). A
    run of the public has no files but its flow's."""
    reader = None if trust is Trust.PUBLIC else user_id
    for path in paths:
        if not is_elsewhere(path) and files.usable(path, reader, flow_id, end_user) is None:
            message = f"There is no file {path!r} for this run. Upload it, and send the path that the upload answers."
            raise Refusal(422, "File not found", "FILE_NOT_FOUND", message, path=path)
