#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Measures libp2p between two processes over loopback and prints rates.

    cmake --preset bench && cmake --build --preset bench
    bench/p2p.py                        # all rows
    bench/p2p.py gossip --runs 5        # one of: handshakes streams stream gossip idle

Both processes share the machine's cores. Of several runs the median is printed, with the range.
"""
import argparse
import json
import pathlib
import re
import statistics
import subprocess
import time

ROOT = pathlib.Path(__file__).resolve().parent.parent


class Peer:
    """A process that prints where it listens, in a line with a multiaddr."""

    def __init__(self, *command, cwd=None):
        self.process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=cwd)
        for line in self.process.stdout:
            found = re.search(r'/ip4/[^\s"]+', line)
            if found:
                self.address = found.group()
                return
        raise SystemExit(f"{command[0]} ended before it listened")

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.terminate()
        self.process.stdout.close()
        self.process.wait()


def counted(*commands):
    """Runs them at once; each prints a count and seconds. All counts a second."""
    running = [subprocess.Popen(one, stdout=subprocess.PIPE, text=True) for one in commands]
    rate = 0.0
    for one in running:
        count, seconds = one.communicate()[0].split()
        rate += int(count) / float(seconds)
    return rate


class Bench:
    def __init__(self, build, seconds):
        self.sennit = str(build / "bin" / "sennit")
        self.peer = str(build / "bench" / "bench_libp2p_peer")
        self.seconds = str(seconds)

    def handshakes(self):
        with Peer(self.peer, "listen") as peer:
            command = [self.peer, "handshakes", peer.address, self.seconds]
            return {"handshakes, noise and yamux, 8 at once, /s": counted(*[command] * 8)}

    def streams(self):
        with Peer(self.peer, "listen") as peer:
            command = [self.peer, "streams", peer.address, self.seconds]
            return {"new stream and ping, one after the other, /s": counted(command)}

    def stream(self):
        out = {}
        with Peer(self.sennit, "p2p", "listen", "--perf", "--json") as peer:
            for way in "upload", "download":
                said = subprocess.run([self.sennit, "p2p", "perf", peer.address, f"--{way}", "2GiB", "--json"],
                                      stdout=subprocess.PIPE, text=True, check=True).stdout
                last = json.loads(said.strip().splitlines()[-1])
                rate = last[f"{way}Bytes"] / last["timeSeconds"]
                out[f"one stream, {way}, MB/s"] = rate / 1e6
        return out

    def gossip(self):
        out = {}
        for size, count in (100, 60_000), (65_536, 6_000):
            with Peer(self.sennit, "p2p", "sub", "bench", "--listen", "/ip4/127.0.0.1/tcp/0", "--json",
                      "--quiet", "--count", str(count)) as peer:
                subprocess.run([self.sennit, "p2p", "pub", "bench", "--peer", peer.address, "--size", str(size),
                                "--count", str(count), "--interval", "0", "--quiet", "--stamp"],
                               stdout=subprocess.DEVNULL, check=True)
                total = json.loads(peer.process.stdout.read().strip().splitlines()[-1])
                assert total["messages"] == count, total
                out[f"gossip, StrictSign, {size} B, /s"] = count / total["seconds"]
                out[f"gossip, StrictSign, {size} B, latency p99 under this load, ms"] = total["latencyMs"]["p99"]
        return out

    def idle(self):
        said = subprocess.run([self.peer, "idle", "2000"], stdout=subprocess.PIPE, text=True, check=True)
        return {"heap of an idle connection, bytes": float(said.stdout)}


def main():
    rows = ["handshakes", "streams", "stream", "gossip", "idle"]
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("rows", nargs="*", metavar="ROW", help=", ".join(rows) + "; all if left out")
    arguments.add_argument("--build", type=pathlib.Path, default=ROOT / "build" / "bench")
    arguments.add_argument("--runs", type=int, default=3)
    arguments.add_argument("--seconds", type=int, default=3, help="of handshakes and streams")
    options = arguments.parse_args()
    unknown = set(options.rows) - set(rows)
    if unknown:
        arguments.error(f"no such row: {', '.join(sorted(unknown))}")
    bench = Bench(options.build, options.seconds)
    for row in options.rows or rows:
        runs = [getattr(bench, row)() for _ in range(options.runs)]
        for name in runs[0]:
            values = sorted(run[name] for run in runs)
            print(f"{name}: {statistics.median(values):,.1f}  ({values[0]:,.1f} to {values[-1]:,.1f})", flush=True)
        time.sleep(0.5)


if __name__ == "__main__":
    main()
