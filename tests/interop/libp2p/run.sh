#!/bin/sh
# SPDX-License-Identifier: MIT
# Runs the tests here: `sennit p2p` against js-libp2p, as dialler and as listener. Exit status 77:
# this machine cannot (no Node.js 20, no registry). Usage: run.sh BINARY
set -u
here=$(cd "$(dirname "$0")" && pwd)
skip() {
    echo "SKIP: $1"
    exit 77
}

major=$(node -p 'process.versions.node.split(".")[0]' 2> /dev/null) || skip "no node"
[ "$major" -ge 20 ] || skip "node $major is older than 20"
command -v npm > /dev/null || skip "no npm"

dir=$(mktemp -d) || exit 1
trap 'rm -rf "$dir"' EXIT
trap 'exit 1' HUP INT TERM

# Not into the source tree: an installation belongs to this run.
cp "$here/package.json" "$here"/*.mjs "$dir/" || exit 1
cd "$dir" || exit 1
npm install --no-package-lock --fetch-retries=1 --no-audit --no-fund --loglevel=error \
    > npm.log 2>&1 || skip "npm install failed: $(grep -m 1 error npm.log)"
SENNIT="$1" npm test --silent
