#!/bin/sh
# PostgreSQL and Chromium for the tests of labelling and of its pages, where they are missing and
# may be installed. Where they may not, those tests are skipped by name.
set -eu
. tools/apt.sh

initdb=$(ls /usr/lib/postgresql/*/bin/initdb 2>/dev/null | tail -n 1)
[ -n "$initdb" ] || command -v initdb >/dev/null 2>&1 || install_package postgresql ||
    echo "PostgreSQL is missing and may not be installed here: its tests are skipped." >&2

command -v chromium >/dev/null 2>&1 || command -v google-chrome >/dev/null 2>&1 ||
    install_package chromium ||
    echo "Chromium is missing and may not be installed here: its tests are skipped." >&2
