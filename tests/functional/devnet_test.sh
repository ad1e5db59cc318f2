#!/bin/sh
# SPDX-License-Identifier: MIT
# A whole network on this machine: four validators make blocks, an observer catches up, a transfer
# becomes final. `--for` ends with status 0 only if all of them agree. Usage: devnet_test.sh BINARY
set -u
sennit=$1
dir=$(mktemp -d) || exit 1
trap 'rm -rf "$dir"' EXIT
trap 'exit 1' HUP INT TERM

# --port and --rpc-port are where the search for free ports begins.
"$sennit" devnet --dir "$dir/net" --for 30 --port 42303 --rpc-port 43545 > "$dir/out" 2>&1
status=$?
tail -n 12 "$dir/out"
if [ "$status" -ne 0 ]; then
    for log in "$dir"/net/node*/log; do
        echo "--- ${log#"$dir"/}"
        tail -n 20 "$log"
    done
fi
exit "$status"
