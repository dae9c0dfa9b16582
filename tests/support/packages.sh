# shellcheck shell=bash
# Installs Debian packages that are missing; sourced by quickstart and tests/run.
# Nothing is asked of apt, and no network is used, when nothing is missing.

# What the release build needs (cmake/dependencies.cmake; README.md has the reason for each).
build_packages=(
    g++ cmake ninja-build libboost1.81-dev libyaml-cpp-dev prometheus-cpp-dev libcli11-dev
    libssl-dev zlib1g-dev)

# Those of the named packages that are not installed, one a line.
missing_packages() {
    local package
    for package in "$@"; do
        [[ $(dpkg-query -W -f '${db:Status-Status}' "$package" 2>/dev/null) == installed ]] || echo "$package"
    done
}

# install_packages PACKAGE...: returns 1, with a sentence on stderr, when it cannot.
install_packages() {
    local missing guard=/usr/sbin/policy-rc.d status=0
    mapfile -t missing < <(missing_packages "$@")
    ((${#missing[@]})) || return 0
    if ! command -v apt-get >/dev/null; then
        echo "no apt-get here; needed: ${missing[*]}" >&2
        return 1
    fi
    local root=()
    if ((EUID != 0)); then
        if ! command -v sudo >/dev/null; then
            echo "root or sudo is needed to install: ${missing[*]}" >&2
            return 1
        fi
        root=(sudo)
    fi
    echo "installing: ${missing[*]}"
    # A broker that is installed to be tested must not start as a service (invoke-rc.d asks this script).
    local guarded=0
    if [[ ! -e $guard ]]; then
        printf '#!/bin/sh\nexit 101\n' | "${root[@]}" tee "$guard" >/dev/null
        "${root[@]}" chmod 755 "$guard"
        guarded=1
    fi
    # In the foreground: dpkg may want the terminal.
    local apt=("${root[@]}" env DEBIAN_FRONTEND=noninteractive timeout --foreground 1200
        apt-get -qq -o DPkg::Lock::Timeout=300 -o Acquire::Retries=3 -o Acquire::http::Timeout=60)
    { "${apt[@]}" update && "${apt[@]}" install -y --no-install-recommends "${missing[@]}" >/dev/null; } || status=1
    ((guarded)) && "${root[@]}" rm -f "$guard"
    ((status)) && echo "apt-get could not install: ${missing[*]}" >&2
    return $status
}
