#!/bin/sh
# SPDX-License-Identifier: MIT
# Runs test.mjs against a devnet. Exit status 77: this machine cannot (no Node.js 20, no registry).
# Usage: run.sh BINARY
set -u
here=$(cd "$(dirname "$0")" && pwd)
sennit=$1
skip() {
    echo "SKIP: $1"
    exit 77
}

major=$(node -p 'process.versions.node.split(".")[0]' 2> /dev/null) || skip "no node"
[ "$major" -ge 20 ] || skip "node $major is older than 20"
command -v npm > /dev/null || skip "no npm"

dir=$(mktemp -d) || exit 1
net=
finish() {
    if [ -n "$net" ]; then
        kill -TERM "$net" 2> /dev/null
        wait "$net" 2> /dev/null
    fi
    rm -rf "$dir"
}
trap finish EXIT
trap 'exit 1' HUP INT TERM

# Not into the source tree: an installation belongs to this run.
cp "$here/package.json" "$here/test.mjs" "$dir/" || exit 1
(cd "$dir" &&
    npm install --no-package-lock --fetch-retries=1 --no-audit --no-fund --loglevel=error) \
    > "$dir/npm.log" 2>&1 || skip "npm install failed: $(grep -m 1 error "$dir/npm.log")"

"$sennit" devnet --dir "$dir/net" --observers 0 --port 44303 --rpc-port 45545 > "$dir/out" 2>&1 &
net=$!

# The first free port from 45545 on was taken; the first node's configuration names it.
ask='{"jsonrpc":"2.0","id":1,"method":"eth_blockNumber"}'
seconds=0
until [ -f "$dir/net/node1/config.toml" ] &&
    port=$(sed -n 's/^port = \([0-9]*\)$/\1/p' "$dir/net/node1/config.toml") &&
    node -e 'fetch(process.argv[1], {method: "POST", headers: {"content-type": "application/json"},
                 body: process.argv[2]}).then(r => r.json())
                 .then(a => process.exit(Number(a.result) > 1 ? 0 : 1), () => process.exit(1))' \
        "http://127.0.0.1:$port" "$ask"; do
    seconds=$((seconds + 1))
    if [ "$seconds" -gt 60 ] || ! kill -0 "$net" 2> /dev/null; then
        echo "the devnet makes no blocks"
        tail -n 20 "$dir/out"
        exit 1
    fi
    sleep 1
done

SENNIT_RPC="http://127.0.0.1:$port" SENNIT_KEY="$dir/net/faucet.key" \
    node --test "$dir/test.mjs"
