# Installing a package of the distribution where that is allowed. Sourced, never run.

# 0 where packages may be installed without asking anybody.
may_install() {
    command -v apt-get >/dev/null 2>&1 || return 1
    [ "$(id -u)" = 0 ] || { command -v sudo >/dev/null 2>&1 && sudo -n true 2>/dev/null; }
}

# as_root COMMAND …
as_root() {
    if [ "$(id -u)" = 0 ]; then "$@"; else sudo -n "$@"; fi
}

# install_package NAME: the package lists are fetched only where the first try fails.
install_package() {
    may_install || return 1
    echo "Installing $1 …"
    as_root env DEBIAN_FRONTEND=noninteractive apt-get install -qq -y "$1" >/dev/null 2>&1 || {
        as_root apt-get update -qq >/dev/null &&
            as_root env DEBIAN_FRONTEND=noninteractive apt-get install -qq -y "$1" >/dev/null
    }
}
