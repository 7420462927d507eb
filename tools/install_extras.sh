#!/bin/sh
# install_extras.sh EXTRA: what pyproject.toml lists under that name, into .venv, once.
set -eu

echo "Installing what the tests need into .venv …"
.venv/bin/pip install --quiet --disable-pip-version-check -c constraints.txt -e ".[$1]"
touch ".venv/$1"
