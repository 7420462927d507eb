"""Labels and tasks in and out of the site, as files."""

from __future__ import annotations

import tempfile
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Literal

from fastapi import Form, Query, Request, UploadFile
from fastapi.responses import FileResponse, Response
from starlette.background import BackgroundTask

from tutelage.errors import BadInput
from tutelage.labelling.exports import export_datasets, export_jsonl
from tutelage.labelling.imports import import_labels, import_tasks
from tutelage.web.render import page
from tutelage.web.security import Serving, Visiting
from tutelage.web.site import Site
from tutelage.wording import plural

MOST_UPLOAD = 50_000_000  # bytes of a file that is brought in
PIECE = 1 << 20
MOST_NAME = 60  # characters of a file name: no file system takes more than 255 bytes


def data_page(request: Request, visitor: Visiting, site: Serving) -> Response:
    return _data_page(request)


def bring_in(
    request: Request,
    visitor: Visiting,
    site: Serving,
    file: UploadFile,
    what: Annotated[Literal["tasks", "labels"], Form()],
    topic: Annotated[str, Form(max_length=80)] = "",
) -> Response:
    """A JSONL file, whole or not at all; a line that is wrong is named in the page."""
    name = "".join(c for c in Path(file.filename or "").name if c.isprintable())[-MOST_NAME:]
    if not name:
        raise BadInput("Choose a file first.")
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / (name if name.endswith(".jsonl") else f"{name}.jsonl")
        with path.open("wb") as out:
            while piece := file.file.read(PIECE):
                out.write(piece)
        try:
            done = _bring_in(site, path, what, topic.strip(), visitor.person.id)
        except BadInput as error:
            problem = " ".join(str(error).split()).replace(f"{folder}/", "")
            return _data_page(request, problem=problem, what=what, topic=topic)
    return _data_page(request, done=done, what=what, topic=topic)


def take_out(
    visitor: Visiting,
    site: Serving,
    form: Annotated[Literal["jsonl", "datasets"], Query()] = "jsonl",
) -> Response:
    """A zip file: JSONL, or a folder for Hugging Face's `datasets`."""
    export: Callable[[Path], object] = {
        "jsonl": lambda folder: export_jsonl(site.store, folder, visitor.person.id),
        "datasets": lambda folder: export_datasets(site.store, folder, visitor.person.id),
    }[form]
    place = tempfile.TemporaryDirectory()
    try:
        folder = Path(place.name) / "labels"
        export(folder)
        packed = Path(place.name) / f"labels-{form}.zip"
        _pack(folder, packed)
    except BaseException:
        place.cleanup()
        raise
    return FileResponse(
        packed,
        media_type="application/zip",
        filename=packed.name,
        background=BackgroundTask(place.cleanup),
    )


def _bring_in(site: Site, path: Path, what: str, topic: str, by: int) -> str:
    if what == "labels":
        new = import_labels(site.store, path, by)
        return f"{plural(new, 'new label')} from {path.name}; what was there already stays one."
    ids = set(import_tasks(site.store, path, topic=topic, by=by))
    return f"{plural(len(ids), 'task')} of {path.name}: in the queue, where they were not already."


def _pack(folder: Path, packed: Path) -> None:
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as out:
        for path in sorted(folder.rglob("*")):
            if path.is_file():
                out.write(path, path.relative_to(folder.parent))


def _data_page(
    request: Request, done: str = "", problem: str = "", what: str = "tasks", topic: str = ""
) -> Response:
    return page(
        request,
        "manage/data.html",
        done=done,
        problem=problem,
        what=what,
        topic=topic,
        most_mb=MOST_UPLOAD // 1_000_000,
        status_code=400 if problem else 200,
    )
