#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Syncs whole chains over loopback between two processes and prints rates.

    cmake --preset bench && cmake --build --preset bench
    bench/sync.py --blocks 100000                  # empty blocks
    bench/sync.py --blocks 2000 --transfers 100

Both nodes share the machine's cores, as the goals in bench/README.md say.
"""
import argparse
import json
import os
import pathlib
import secrets
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import urllib.request

ROOT = pathlib.Path(__file__).resolve().parent.parent


def call(port, method, params=()):
    body = json.dumps({"jsonrpc": "2.0", "id": 1, "method": method, "params": list(params)}).encode()
    request = urllib.request.Request(f"http://127.0.0.1:{port}", body, {"content-type": "application/json"})
    with urllib.request.urlopen(request, timeout=5) as answer:
        return json.load(answer)["result"]


def configure(directory, port, rpc_port, peers):
    (directory / "node.key").write_text(secrets.token_hex(32) + "\n")
    (directory / "config.toml").write_text(
        f'data_dir = "."\ngenesis = "genesis.json"\nnode_key = "node.key"\n'
        f'[rpc]\nport = {rpc_port}\n'
        f'[protocols.moderntensor]\nlisten = ["tcp://127.0.0.1:{port}"]\npeers = {json.dumps(peers)}\n')


def start(binary, directory, *more):
    log = open(directory / "log", "ab")
    began = time.monotonic()
    process = subprocess.Popen([binary, "node", "--config", directory / "config.toml", *more], stdout=log, stderr=log)
    return process, began


def wait_rpc(port, began):
    while True:
        try:
            call(port, "sennit_status")
            return time.monotonic() - began
        except OSError:
            time.sleep(0.005)
            if time.monotonic() - began > 60:
                sys.exit("node does not answer")


def resident_mb(process):
    for line in pathlib.Path(f"/proc/{process.pid}/status").read_text().splitlines():
        if line.startswith("VmHWM"):
            return int(line.split()[1]) / 1024
    return 0


def cpu_seconds(process):
    fields = pathlib.Path(f"/proc/{process.pid}/stat").read_text().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def measure(client, port, blocks, deadline):
    marks = {}
    began = time.monotonic()
    while time.monotonic() - began < deadline:
        status = call(port, "sennit_status")
        now = time.monotonic()
        stage = status["sync"]["stage"]
        marks.setdefault(stage, now)
        if status["finalized"] >= blocks:
            marks["done"] = now
            return marks
        if client.poll() is not None:
            sys.exit("the syncing node ended; see its log")
        time.sleep(0.01)
    sys.exit(f"not synced in {deadline} s; stuck in stage {stage} at {status['finalized']} of {blocks}")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--build", default=ROOT / "build/bench", type=pathlib.Path)
    parser.add_argument("--blocks", type=int, default=20000)
    parser.add_argument("--transfers", type=int, default=0)
    parser.add_argument("--deadline", type=float, default=600)
    parser.add_argument("--keep", help="keep the directories here")
    options = parser.parse_args()
    work = pathlib.Path(options.keep or tempfile.mkdtemp(prefix="sennit-bench-"))
    server_dir, client_dir = work / "server", work / "client"
    if not (server_dir / "genesis.json").exists():
        subprocess.run([options.build / "bench/bench_make_chain", server_dir, str(options.blocks),
                        str(options.transfers)], check=True)
    shutil.rmtree(client_dir, ignore_errors=True)
    client_dir.mkdir(parents=True)
    shutil.copy(server_dir / "genesis.json", client_dir)
    configure(server_dir, 31801, 31811, [])
    configure(client_dir, 31802, 31812, ["tcp://127.0.0.1:31801"])
    binary = options.build / "bin/sennit"
    server, began = start(binary, server_dir)
    running = [server]
    try:
        print(f"start of a node with {options.blocks} blocks to a serving RPC: {wait_rpc(31811, began):.2f} s")
        # The fixture's genesis is so old that a new node wants somebody's word.
        trusted = call(31811, "sennit_status")["checkpoint"]
        client, began = start(binary, client_dir, "--trust", trusted)
        running.append(client)
        wait_rpc(31812, began)
        marks = measure(client, 31812, options.blocks, options.deadline)
        # A stage that ended between two looks at it took no time worth telling.
        blocks_from = marks.get("blocks", marks["done"])
        headers_from = marks.get("headers", blocks_from)
        headers = max(blocks_from - headers_from, 0.01)
        bodies = marks["done"] - blocks_from
        print(f"from the start to the first header asked for: {headers_from - began:.2f} s")
        print(f"headers: {options.blocks / headers:,.0f}/s ({headers:.2f} s)")
        print(f"blocks:  {options.blocks / bodies:,.0f}/s ({bodies:.2f} s)")
        if options.transfers:
            print(f"transfers: {options.blocks * options.transfers / bodies:,.0f}/s")
        print(f"whole sync: {options.blocks / (marks['done'] - began):,.0f} blocks/s ({marks['done'] - began:.2f} s)")
        for name, process in (("server", server), ("client", client)):
            print(f"{name}: {cpu_seconds(process):.1f} s of processor, {resident_mb(process):.0f} MB at most")
    finally:
        for process in reversed(running):
            process.send_signal(signal.SIGTERM)
        for process in reversed(running):
            process.wait(20)
        if not options.keep:
            shutil.rmtree(work, ignore_errors=True)


if __name__ == "__main__":
    main()
