# Sourced by ./run and ./check: installs what is missing of the named groups of packages.txt.
install_packages() {
    local root group package wanted=() missing=() as_root=()
    root=$(dirname "${BASH_SOURCE[0]}")
    command -v apt-get >/dev/null || {
        echo "sennit: no apt-get here; install what tools/packages.txt names by other means" >&2
        return 0
    }
    while read -r group package; do
        [[ $group == \#* || -z $package ]] && continue
        [[ " $* " == *" $group "* ]] && wanted+=("$package")
    done <"$root/packages.txt"
    for package in "${wanted[@]}"; do
        dpkg-query -W -f='${db:Status-Abbrev}' "$package" 2>/dev/null | grep -q '^ii' || missing+=("$package")
    done
    ((${#missing[@]} == 0)) && return 0
    echo "installing ${#missing[@]} Debian packages: ${missing[*]}"
    if [[ $(id -u) != 0 ]]; then
        command -v sudo >/dev/null || {
            echo "sennit: installing needs root or sudo. As root: apt-get install ${missing[*]}" >&2
            return 1
        }
        as_root=(sudo)
    fi
    "${as_root[@]}" apt-get update -q >/dev/null &&
        "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive \
            apt-get install -y -q --no-install-recommends "${missing[@]}" >/dev/null
}
