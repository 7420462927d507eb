#!/bin/sh
# make_venv.sh PYTHON: a virtual environment in .venv with the versions that constraints.txt pins.
set -eu
. tools/apt.sh
python=$1

command -v "$python" >/dev/null 2>&1 || {
    echo "There is no $python: install Python 3.11 or newer, or name one: make PYTHON=/path/to/python3." >&2
    exit 1
}
version=$("$python" -c 'import sys; print("%d.%d" % sys.version_info[:2])')
"$python" -c 'import sys; sys.exit(sys.version_info < (3, 11))' || {
    echo "$python is Python $version, Tutelage needs 3.11 or newer: make PYTHON=python3.11 names another one." >&2
    exit 1
}

# Debian keeps the part of Python that makes environments in a package of its own.
"$python" -c 'import ensurepip, venv' 2>/dev/null || install_package "python$version-venv" ||
    install_package python3-venv || {
    echo "Python's venv module is missing: install it (sudo apt-get install python$version-venv) and run make again." >&2
    exit 1
}

# An environment of another Python, or one that broke off, is made anew.
.venv/bin/python -c "import sys; sys.exit('%d.%d' % sys.version_info[:2] != '$version')" 2>/dev/null ||
    rm -rf .venv
[ -x .venv/bin/pip ] || "$python" -m venv --clear .venv || {
    rm -rf .venv
    echo "The virtual environment .venv could not be made with $python; the lines above say why." >&2
    exit 1
}

# torch first, by itself: it is most of the download, and a retry finds it done.
torch=$(grep '^torch==' constraints.txt)
echo "Installing $torch and what Tutelage needs into .venv …"
.venv/bin/pip install --quiet --disable-pip-version-check -c constraints.txt "$torch"
.venv/bin/pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[control,web]'
touch .venv/ready
