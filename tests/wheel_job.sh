#!/bin/sh
# What a person gets from the wheel: build it, install it outside the checkout, and raise an
# assistant with it for a minute. Third-party packages are those of .venv.
set -eu
here=$(cd "$(dirname "$0")/.." && pwd)
python=${PYTHON:-$here/.venv/bin/python}
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
trap 'exit 130' INT TERM

# By way of the source archive, so that what it lacks is missed here.
"$python" -m build --outdir "$folder/dist" "$here" >"$folder/build.log" 2>&1 || {
    cat "$folder/build.log" >&2
    exit 1
}
wheel=$(echo "$folder"/dist/*.whl)
"$python" - "$here" "$wheel" <<'CHECK'
import pathlib, sys, zipfile

here, wheel = pathlib.Path(sys.argv[1]), sys.argv[2]
package = here / "tutelage"
wanted = {"tutelage/py.typed", *(
    path.relative_to(here).as_posix()
    for path in package.rglob("*")
    if path.suffix in {".py", ".html", ".css", ".js", ".txt", ".svg", ".mako"} and "__pycache__" not in path.parts
)}
assert any(name.endswith(".css") for name in wanted)
missing = sorted(wanted - set(zipfile.ZipFile(wheel).namelist()))
sys.exit(f"{wheel} lacks {', '.join(missing)}" if missing else 0)
CHECK

"$python" -m venv --without-pip "$folder/venv"
"$python" -m pip --disable-pip-version-check --python "$folder/venv/bin/python" \
    install --quiet --no-deps --no-index "$wheel"
# After the installation: pip must not take the checkout's own metadata for an installed Tutelage.
site() { "$1" -c 'import sysconfig; print(sysconfig.get_path("purelib"))'; }
site "$python" >"$(site "$folder/venv/bin/python")/third_party.pth"

cd "$folder"
venv/bin/python -c "
import pathlib, sys, tutelage
sys.exit(pathlib.Path('$folder').resolve() not in pathlib.Path(tutelage.__file__).resolve().parents)
" || {
    echo "The wheel's Tutelage is not the one that is imported." >&2
    exit 1
}
venv/bin/tutelage school --minutes 1 --run run
venv/bin/python - <<'CHECK'
import html.parser, json, pathlib, sys

report = json.loads(pathlib.Path("run/report.json").read_text())
missing = {"stages", "reward_model", "seconds", "peak_memory_bytes", "seed", "commit", "command"}
missing -= set(report)
page = pathlib.Path("run/report.html").read_text(encoding="utf-8")
tags = []
parser = html.parser.HTMLParser()
parser.handle_starttag = lambda tag, attributes: tags.append(tag)
parser.feed(page)
parser.close()
missing |= {tag for tag in ("html", "style", "table") if tag not in tags}
sys.exit(f"the wheel's school left out {sorted(missing)}" if missing else 0)
CHECK
echo "The wheel raised an assistant outside the checkout."
