#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Opens idle ModernTensor peers to one node and prints its resident memory for each.

    cmake --preset bench && cmake --build --preset bench
    bench/idle_peers.py --peers 1000 2000

Each peer is a connection that has shaken hands, proved its identity if it is a Sennit one, taken
what the node says first, and then is silent. Memory a peer is the growth of VmRSS from the first
number of peers to the second, so that what the node needs without peers does not count.
Proofs need the Python package `cryptography`; without it Sennit peers stay unproven.
"""
import argparse
import json
import pathlib
import resource
import secrets
import selectors
import shutil
import signal
import socket
import struct
import subprocess
import tempfile
import time

from sync import ROOT, call, cpu_seconds, start, wait_rpc

try:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
except ImportError:
    Ed25519PrivateKey = None

PORT, RPC_PORT = 31821, 31831
HELLO, PING, PONG, DISCONNECT, SENNIT = 0x00, 0x01, 0x02, 0x03, 0x50


def frame(kind, payload):
    return struct.pack(">IB", len(payload) + 1, kind) + payload


class Peer:
    """One connection; plain like an original's, or of the capability sennit/1."""

    def __init__(self, genesis, chain_id, sennit):
        self.genesis, self.sennit = genesis, sennit
        self.rest, self.goodbye = b"", None
        self.key = Ed25519PrivateKey.generate() if sennit and Ed25519PrivateKey else None
        node_id = self.key.public_key().public_bytes_raw() if self.key else secrets.token_bytes(32)
        hello = {"protocol_version": 1, "network_id": chain_id, "genesis_hash": genesis.hex(),
                 "best_height": 0, "best_hash": genesis.hex(), "listen_port": 0,
                 "node_id": node_id.hex(), "capabilities": ["sync"] + ["sennit/1"] * sennit,
                 "nonce": secrets.token_hex(32)}
        self.hello = json.dumps(hello).encode()
        self.socket = socket.create_connection(("127.0.0.1", PORT))
        self.socket.sendall(frame(HELLO, self.hello))
        self.shaken = False

    def on_readable(self):
        received = self.socket.recv(65536)
        if not received:
            raise SystemExit(f"the node closed a peer: {self.goodbye}")
        self.rest += received
        while len(self.rest) >= 4:
            size = 4 + int.from_bytes(self.rest[:4], "big")
            if len(self.rest) < size:
                return
            self.on_frame(self.rest[4], self.rest[5:size])
            self.rest = self.rest[size:]

    def on_frame(self, kind, payload):
        if kind == HELLO:
            self.shaken = True
            if self.key:
                proof = self.key.sign(b"sennit/hello/1" + self.genesis + self.hello + payload)
                self.socket.sendall(frame(SENNIT, b"\0" + proof))
        elif kind == PING:
            self.socket.sendall(frame(PONG, b""))
        elif kind == DISCONNECT:
            self.goodbye = payload.decode(errors="replace")


def listen_to(selector, seconds):
    until = time.monotonic() + seconds
    while (left := until - time.monotonic()) > 0:
        for key, _ in selector.select(left):
            key.data.on_readable()


def resident_kb(process):
    for line in pathlib.Path(f"/proc/{process.pid}/status").read_text().splitlines():
        if line.startswith("VmRSS"):
            return int(line.split()[1])
    return 0


def measure(options, process, sennit):
    genesis = bytes.fromhex(call(RPC_PORT, "eth_getBlockByNumber", ["0x0", False])["hash"][2:])
    chain_id = int(call(RPC_PORT, "eth_chainId"), 16)
    selector, peers, points = selectors.DefaultSelector(), [], []
    for wanted in options.peers:
        while len(peers) < wanted:
            peer = Peer(genesis, chain_id, sennit)
            peers.append(peer)
            selector.register(peer.socket, selectors.EVENT_READ, peer)
            if len(peers) % 50 == 0:
                listen_to(selector, 0.02)
        listen_to(selector, options.settle)
        assert all(peer.shaken for peer in peers), "a handshake is not finished"
        connected = call(RPC_PORT, "sennit_status")["peers"]
        assert connected == wanted, f"the node counts {connected} of {wanted} peers"
        points.append((wanted, resident_kb(process)))
    before = cpu_seconds(process)
    listen_to(selector, options.settle)
    idle = (cpu_seconds(process) - before) / options.settle
    (few, kb_few), (many, kb_many) = points[0], points[-1]
    print(f"{'sennit/1' if sennit else 'plain'} peers: {(kb_many - kb_few) / (many - few):.1f} KB each"
          f" ({', '.join(f'{kb / 1024:.1f} MB with {n}' for n, kb in points)};"
          f" idle, {100 * idle:.1f} % of a core)")


def main():
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--build", default=ROOT / "build/bench", type=pathlib.Path)
    parser.add_argument("--binary", type=pathlib.Path, help="another node than that of the build")
    parser.add_argument("--peers", type=int, nargs=2, default=[1000, 2000])
    parser.add_argument("--settle", type=float, default=5, help="seconds between filling and measuring")
    options = parser.parse_args()
    files = 2 * options.peers[1] + 1000
    resource.setrlimit(resource.RLIMIT_NOFILE, (files, max(files, resource.getrlimit(resource.RLIMIT_NOFILE)[1])))
    for sennit in (False, True):
        work = pathlib.Path(tempfile.mkdtemp(prefix="sennit-idle-"))
        subprocess.run([options.build / "bench/bench_make_chain", work, "10", "0"], check=True,
                       stderr=subprocess.DEVNULL)
        (work / "node.key").write_text(secrets.token_hex(32) + "\n")
        (work / "config.toml").write_text(
            f'data_dir = "."\ngenesis = "genesis.json"\nnode_key = "node.key"\n'
            f'[rpc]\nport = {RPC_PORT}\n[peers]\nmax = {options.peers[1] + 100}\noutbound = 0\n'
            f'[protocols.moderntensor]\nlisten = ["tcp://127.0.0.1:{PORT}"]\npeers = []\n')
        process, began = start(options.binary or options.build / "bin/sennit", work)
        try:
            wait_rpc(RPC_PORT, began)
            measure(options, process, sennit)
        finally:
            process.send_signal(signal.SIGTERM)
            process.wait(20)
            shutil.rmtree(work, ignore_errors=True)


if __name__ == "__main__":
    main()
