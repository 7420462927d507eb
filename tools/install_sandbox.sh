#!/bin/sh
# Bubblewrap, which the sandbox is made of, where it is missing and may be installed.
set -eu
. tools/apt.sh

command -v bwrap >/dev/null 2>&1 || install_package bubblewrap || {
    echo "bubblewrap is missing, without it no command of a model is run: install it (sudo apt-get install bubblewrap) and run make again." >&2
    exit 1
}
