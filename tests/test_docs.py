"""Links in the documents lead somewhere; a name in backticks is defined where its link leads."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
DOCUMENTS = sorted([*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md")])
LINK = re.compile(r"\[([^\]]*)\]\(([^)\s]+)\)")


def links(document: Path) -> list[tuple[str, str]]:
    """(text, target) of every link to something of ours; text may run over a line's end."""
    found = LINK.findall(document.read_text(encoding="utf-8"))
    ours = [(text, target) for text, target in found if not re.match(r"\w+:|#", target)]
    return [(" ".join(text.split()), target.partition("#")[0]) for text, target in ours]


def defined_names(path: Path) -> set[str]:
    """Functions, classes and constants of a module, methods as Class.method."""
    names: set[str] = set()
    for node in ast.parse(path.read_text(encoding="utf-8")).body:
        if isinstance(node, ast.FunctionDef | ast.ClassDef):
            names.add(node.name)
        if isinstance(node, ast.ClassDef):
            methods = [item for item in node.body if isinstance(item, ast.FunctionDef)]
            names |= {f"{node.name}.{method.name}" for method in methods}
        if isinstance(node, ast.Assign | ast.AnnAssign):
            targets = node.targets if isinstance(node, ast.Assign) else [node.target]
            names |= {target.id for target in targets if isinstance(target, ast.Name)}
    return names


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: str(path.relative_to(ROOT)))
def test_every_link_leads_to_what_it_names(document: Path):
    for text, target in links(document):
        path = (document.parent / target).resolve()
        assert path.exists(), f"{document.name} links to {target}, which does not exist"
        name = re.fullmatch(r"`([\w.]+)`", text)
        if name and path.suffix == ".py":
            assert name[1] in defined_names(path), f"{target} does not define {name[1]}"


def test_one_sample_walks_through_the_rooms():
    """The walk is complete: it links into every room that a sample passes."""
    targets = {target for _, target in links(ROOT / "docs/one_sample.md")}
    rooms = {target.split("/")[2] for target in targets}
    passed = {"school.py", "stages", "data", "rollout", "judges", "algorithms", "model", "runs.py"}
    assert passed <= rooms


def test_code_quoted_from_the_loop_is_in_it():
    """The table's second column says what `reinforce` says, up to the dots."""
    loop = (ROOT / "tutelage/stages/policy.py").read_text(encoding="utf-8")
    rows = re.findall(
        r"^\| \w+ \| (.+?) \| \w+ \|$", (ROOT / "docs/one_sample.md").read_text(), re.M
    )
    quoted = [part for row in rows for part in re.findall(r"`([^`]+)`", row)]
    assert len(quoted) == 7
    for code in quoted:
        assert code.split("…")[0] in loop, code
