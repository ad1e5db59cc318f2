#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""One node and what its operator and its machine do to it: signals, full disks, descriptors.
Usage: node_test.py BINARY [TEST...]"""
import json
import os
import pathlib
import re
import resource
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
import unittest
import urllib.request

BINARY = sys.argv[1]
DEADLINE = 30
# Freed memory is overwritten: what is used after its end crashes instead of working by chance.
ENVIRONMENT = {**os.environ, "MALLOC_PERTURB_": "165"}


def run(*arguments, **options):
    return subprocess.run([BINARY, *arguments], capture_output=True, text=True, timeout=DEADLINE, **options)


def free_port():
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return one.getsockname()[1]


class Node:
    """A chain of one validator in a directory of its own, and its process."""

    def __init__(self, slot=2, change=lambda text: text, limits=lambda: None, start=True):
        self.directory = tempfile.TemporaryDirectory()
        self.path = pathlib.Path(self.directory.name)
        self.port, self.rpc_port = free_port(), free_port()
        made = run("init", "--dir", str(self.path), "--slot", str(slot), "--port", str(self.port),
                   "--rpc-port", str(self.rpc_port))
        assert made.returncode == 0, made.stderr
        config = self.path / "config.toml"
        config.write_text(change(config.read_text()))
        self.limits, self.process, self.lines = limits, None, []
        if start:
            self.start()

    def start(self):
        # Python ignores SIGXFSZ; a node that inherits that gets errors instead of the signal.
        self.process = subprocess.Popen([BINARY, "node", "--config", str(self.path / "config.toml")],
                                        stderr=subprocess.PIPE, text=True, env=ENVIRONMENT,
                                        preexec_fn=self.limits, restore_signals=False)
        self.reader = threading.Thread(target=self.read, daemon=True)
        self.reader.start()

    def read(self):
        for line in self.process.stderr:
            self.lines.append(line)

    def log(self):
        return "".join(self.lines)

    def wait_for(self, text):
        until = time.monotonic() + DEADLINE
        while text not in self.log():
            assert time.monotonic() < until, f"no '{text}' in:\n{self.log()}"
            assert self.process.poll() is None, self.log()
            time.sleep(0.02)

    def ask(self, body, timeout=DEADLINE):
        request = urllib.request.Request(f"http://127.0.0.1:{self.rpc_port}", json.dumps(body).encode(),
                                         {"content-type": "application/json"})
        with urllib.request.urlopen(request, timeout=timeout) as answer:
            return json.loads(answer.read())

    def call(self, method, *params):
        return self.ask({"jsonrpc": "2.0", "id": 1, "method": method, "params": params})["result"]

    def send(self, *more):
        return run("send", "--rpc", f"http://127.0.0.1:{self.rpc_port}", "--key", str(self.path / "faucet.key"),
                   "--to", "0x" + "11" * 20, "--value", "1", "--no-wait", *more)

    def join(self, patience=DEADLINE):
        status = self.process.wait(patience)
        self.reader.join(5)
        return status

    def __enter__(self):
        return self

    def __exit__(self, *_):
        if self.process and self.process.poll() is None:
            self.process.kill()
            self.process.wait()
        if self.process:
            self.process.stderr.close()
        self.directory.cleanup()


class Disk(unittest.TestCase):
    def test_a_write_that_fails_under_a_transaction_ends_with_1_and_a_reason(self):
        with Node(slot=20) as node:
            node.wait_for("RPC at")
            most = 64 * 1024
            resource.prlimit(node.process.pid, resource.RLIMIT_FSIZE, (most, most))
            sent = [node.send("--nonce", str(nonce), "--data", "0x" + "ab" * 50_000) for nonce in range(10)]
            self.assertNotEqual(sent[-1].returncode, 0)
            self.assertEqual(node.join(), 1, node.log())
            self.assertIn("disk", node.log())


class Addresses(unittest.TestCase):
    def test_a_scheme_that_the_protocol_does_not_run_over_is_refused_with_1_and_a_reason(self):
        for key, address in [("listen", "tpc://127.0.0.1:30303"), ("listen", "http://127.0.0.1:30303"),
                             ("peers", "http://127.0.0.1:30303"), ("peers", "serial:///dev/ttyUSB0")]:
            change = lambda text: re.sub(rf"\n{key} = .*", f'\n{key} = ["{address}"]', text)
            with self.subTest(f"{key} {address}"), Node(change=change) as node:
                self.assertEqual(node.join(5), 1)
                self.assertRegex(node.log(), rf"protocols\.moderntensor\.{key}: {address}.*runs over tcp")


class Signals(unittest.TestCase):
    def test_a_second_one_ends_a_node_at_once_that_is_stopping(self):
        with Node() as node:
            node.wait_for("listens on")
            with socket.create_connection(("127.0.0.1", node.port)):  # a peer that does not hang up
                node.process.send_signal(signal.SIGTERM)
                node.wait_for("stopping")
                time.sleep(0.35)  # sooner it would be the first one's echo
                node.process.send_signal(signal.SIGTERM)
                self.assertEqual(node.join(), 128 + signal.SIGTERM, node.log())
                self.assertIn("a second signal", node.log())

    def test_one_ends_a_node_that_is_opening(self):
        with Node(start=False) as node:
            genesis = node.path / "genesis.json"
            genesis.unlink()
            os.mkfifo(genesis)  # opening lasts until somebody writes
            node.start()
            time.sleep(0.5)
            node.process.send_signal(signal.SIGTERM)
            self.assertEqual(node.join(), -signal.SIGTERM, node.log())

    def test_one_stops_in_order_while_clients_ask(self):
        with Node() as node:
            node.wait_for("RPC at")
            ended = threading.Event()

            def ask():
                while not ended.is_set():
                    try:
                        node.ask([{"jsonrpc": "2.0", "id": 1, "method": "sennit_peers"}] * 50)
                    except OSError:
                        pass

            clients = [threading.Thread(target=ask) for _ in range(8)]
            for client in clients:
                client.start()
            time.sleep(1)
            began = time.monotonic()
            node.process.send_signal(signal.SIGTERM)
            try:
                self.assertEqual(node.join(), 0, node.log())
                self.assertLess(time.monotonic() - began, 15)
            finally:
                ended.set()
                for client in clients:
                    client.join()


class Descriptors(unittest.TestCase):
    @staticmethod
    def limited(soft, hard, peers=50):
        return Node(limits=lambda: resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard)),
                    change=lambda text: text.replace("max = 50", f"max = {peers}"))

    def test_the_limit_is_raised_as_far_as_it_may_be(self):
        with self.limited(256, 4000) as node:
            node.wait_for("RPC at")
            self.assertEqual(resource.prlimit(node.process.pid, resource.RLIMIT_NOFILE), (4000, 4000))
            self.assertNotIn("peers.max", node.log())

    def test_more_peers_than_there_are_descriptors_for_are_cut(self):
        with self.limited(1000, 1000, peers=5000) as node:
            node.wait_for("RPC at")
            self.assertIn("of peers.max = 5000 peers", node.log())

    def test_too_few_descriptors_are_refused_with_1_and_a_reason(self):
        with self.limited(500, 500) as node:
            self.assertEqual(node.join(), 1)
            self.assertRegex(node.log(), r"too few open files allowed: 500, .*ulimit -n")


class Rpc(unittest.TestCase):
    def test_a_batch_of_lists_is_answered_whole(self):
        with Node() as node:
            node.wait_for("RPC at")
            methods = ["sennit_peers", "sennit_bans", "sennit_pool", "eth_getTransactionByHash"] * 25
            batch = [{"jsonrpc": "2.0", "id": n, "method": method,
                      "params": ["0x" + "00" * 32] if method.startswith("eth") else []}
                     for n, method in enumerate(methods)]
            answers = node.ask(batch)
            self.assertEqual([one["id"] for one in answers], list(range(100)))
            self.assertEqual([one for one in answers if "result" not in one], [])


if __name__ == "__main__":
    unittest.main(argv=[sys.argv[0], *sys.argv[2:]])
