#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""The program as its user meets it: status, texts, files. Usage: cli_test.py BINARY VECTORS"""
import json
import pathlib
import stat
import subprocess
import sys
import tempfile
import unittest

BINARY, VECTORS = sys.argv[1], pathlib.Path(sys.argv[2])
COMMANDS = ["init", "node", "devnet", "key", "key new", "key show", "send", "status", "peers", "bans", "block", "tx",
            "codec", "codec decode", "codec encode", "p2p", "p2p dial", "p2p ping", "p2p perf", "p2p request",
            "p2p pub", "p2p sub", "p2p listen", "p2p key", "p2p key new", "p2p key show", "p2p addr", "p2p id", "version"]


def run(*arguments, text=""):
    return subprocess.run([BINARY, *arguments], input=text, capture_output=True, text=True, timeout=60)


class Arguments(unittest.TestCase):
    def test_every_command_explains_itself(self):
        for command in ["", *COMMANDS]:
            with self.subTest(command):
                done = run(*command.split(), "--help")
                self.assertEqual(done.returncode, 0, done.stderr)
                self.assertIn("--help", done.stdout)

    def test_bad_arguments_end_with_2_and_a_reason(self):
        for arguments in [[], ["no-such-command"], ["init", "--validators", "0"], ["init", "--slot", "1"],
                          ["devnet", "--for", "1"], ["key"], ["key", "new"], ["send"], ["codec", "decode"],
                          ["status", "--no-such-option"], ["block"], ["init", "--genesis", "/no/such/file"],
                          ["init", "--port", "70000"], ["init", "--chain-id", "1"],
                          ["status", "--rpc", "ftp://host"], ["codec", "decode", "--protocol", "morse"],
                          ["key", "new", "x.key", "--kind", "house"], ["node", "--log", "loud"],
                          ["node", "--trust", "yesterday"], ["p2p"], ["p2p", "dial", "localhost:1"],
                          ["p2p", "ping", "/ip4/127.0.0.1/tcp/1", "--count", "0"], ["p2p", "id", "12D3"],
                          ["p2p", "perf", "/ip4/127.0.0.1/tcp/1", "--upload", "1.5G"], ["p2p", "key"],
                          ["p2p", "key", "new", "/no/such/file", "--type", "rsa"],
                          ["p2p", "key", "new", "/no/such/file", "--type", "secp256k1", "--format", "hex"],
                          ["p2p", "request", "/ip4/127.0.0.1/tcp/1", "echo"],
                          ["p2p", "listen", "--echo", "/perf/1.0.0"], ["p2p", "sub"], ["p2p", "pub", "news", "x"],
                          ["p2p", "sub", "news"]]:
            with self.subTest(arguments):
                done = run(*arguments)
                self.assertEqual(done.returncode, 2, done.stdout)
                self.assertNotEqual(done.stderr + done.stdout, "")

    def test_an_unknown_command_is_named(self):
        self.assertIn("no such command: mine", run("mine").stderr)

    def test_what_fails_ends_with_1_and_one_line(self):
        for arguments in [["key", "show", "/no/such/file"], ["node", "--config", "/no/such/file"],
                          ["block", "newest"], ["p2p", "dial", "/ip4/127.0.0.1/tcp/1"],
                          ["p2p", "dial", "/ip4/127.0.0.1/udp/1/quic-v1"],
                          ["p2p", "listen", "/ip4/203.0.113.1/tcp/0"], ["status", "--rpc", "http://127.0.0.1:1"]]:
            with self.subTest(arguments):
                done = run(*arguments)
                self.assertEqual(done.returncode, 1)
                self.assertRegex(done.stderr, r"\Asennit: .+\n\Z")

    def test_a_directory_in_a_files_place_ends_with_1_and_its_name(self):
        with tempfile.TemporaryDirectory() as directory:
            chain = pathlib.Path(directory) / "chain"
            self.assertEqual(run("init", "--dir", str(chain)).returncode, 0)
            broken = pathlib.Path(directory) / "broken"
            broken.mkdir()
            (broken / "genesis.json").symlink_to("genesis.json")  # even looking at it fails
            node = ["node", "--config", str(chain / "config.toml")]
            for spoilt, arguments in [(None, ["key", "show", directory]), (None, ["node", "--config", directory]),
                                      (None, ["init", "--dir", str(broken)]),
                                      ("genesis.json", node), ("node.key", node)]:
                with self.subTest(spoilt=spoilt, arguments=arguments):
                    if spoilt:
                        (chain / spoilt).unlink()
                        (chain / spoilt).mkdir()
                    done = run(*arguments)
                    self.assertEqual(done.returncode, 1)
                    self.assertRegex(done.stderr, rf"\Asennit: .*{spoilt or directory}.*\n\Z")

    def test_version_names_the_program(self):
        self.assertRegex(run("version").stdout, r"\Asennit/\d+\.\d+\.\d+\n\Z")


class P2p(unittest.TestCase):
    def test_takes_addresses_and_peer_ids_apart(self):
        peer = "12D3KooWEyoppNCUx8Yx66oV9fJnriXwCcXwDDUA2kj6vnc6iDEp"
        address = f"/ip4/127.0.0.1/tcp/4001/p2p/{peer}"
        layers = json.loads(run("p2p", "addr", address, "--json").stdout)["layers"]
        self.assertEqual([layer["protocol"] for layer in layers], ["ip4", "tcp", "p2p"])
        self.assertEqual(layers[2]["value"], peer)
        forms = json.loads(run("p2p", "id", peer, "--json").stdout)
        self.assertEqual(json.loads(run("p2p", "id", forms["cidBase36"], "--json").stdout), forms)

    def test_two_of_them_meet(self):
        with tempfile.TemporaryDirectory() as directory:
            key = str(pathlib.Path(directory) / "node.key")
            run("key", "new", key, "--kind", "node")
            listener = subprocess.Popen([BINARY, "p2p", "listen", "--json", "--key", key], stdout=subprocess.PIPE,
                                        text=True)
            try:
                address = json.loads(listener.stdout.readline())["address"]
                dialled = json.loads(run("p2p", "dial", address, "--json").stdout)
                self.assertEqual(dialled["peer"], address.split("/p2p/")[1])
                self.assertEqual(dialled["address"], address.split("/p2p/")[0])
                self.assertRegex(dialled["agent"], r"sennit/\d")
                pinged = run("p2p", "ping", address, "--count", "3", "--interval", "0")
                self.assertIn("3 answers", pinged.stdout, pinged.stderr)
                events = [json.loads(listener.stdout.readline())["event"] for _ in range(2)]
                self.assertEqual(events[0], "connected")
            finally:
                listener.terminate()
                self.assertEqual(listener.wait(10), 0)
                listener.stdout.close()

    def test_a_node_is_measured_and_asked_only_for_what_it_serves(self):
        with tempfile.TemporaryDirectory() as directory:
            key = str(pathlib.Path(directory) / "node.key")
            made = json.loads(run("p2p", "key", "new", key, "--type", "secp256k1", "--json").stdout)
            self.assertEqual(stat.S_IMODE(pathlib.Path(key).stat().st_mode), 0o600)
            self.assertEqual(run("p2p", "key", "new", key).returncode, 1)
            self.assertEqual(json.loads(run("p2p", "key", "show", key, "--json").stdout), made)
            listener = subprocess.Popen([BINARY, "p2p", "listen", "--json", "--key", key, "--perf", "--echo", "/e/1"],
                                        stdout=subprocess.PIPE, text=True)
            try:
                address = json.loads(listener.stdout.readline())["address"]
                self.assertEqual(address.split("/p2p/")[1], made["peer"])
                sizes = ["--upload", "3MB", "--download", "2MiB"]
                last = json.loads(run("p2p", "perf", address, *sizes, "--json").stdout.splitlines()[-1])
                self.assertEqual((last["type"], last["uploadBytes"], last["downloadBytes"]),
                                 ("final", 3_000_000, 2 << 20))
                self.assertRegex(run("p2p", "perf", address, *sizes).stdout, r"latency .+\nupload .+\ndownload .+\n")
                self.assertEqual(run("p2p", "request", address, "/e/1", "--hex", "c0ffee").stdout, "c0ffee\n")
                refused = run("p2p", "request", address, "/e/2", "--hex", "00")
                self.assertEqual(refused.returncode, 1)
                self.assertIn("does not speak this protocol: /e/2", refused.stderr)
            finally:
                listener.terminate()
                self.assertEqual(listener.wait(10), 0)
                listener.stdout.close()


class Keys(unittest.TestCase):
    def test_a_new_key_is_its_owners_alone_and_is_never_overwritten(self):
        with tempfile.TemporaryDirectory() as directory:
            path = pathlib.Path(directory) / "account.key"
            made = run("key", "new", str(path))
            self.assertEqual(made.returncode, 0, made.stderr)
            self.assertRegex(made.stdout, r"\A0x[0-9a-f]{40}\n\Z")
            self.assertEqual(stat.S_IMODE(path.stat().st_mode), 0o600)
            before = path.read_text()
            self.assertEqual(run("key", "new", str(path)).returncode, 1)
            self.assertEqual(path.read_text(), before)
            self.assertEqual(run("key", "show", str(path)).stdout, made.stdout)

    def test_a_wrong_kind_makes_no_file(self):
        with tempfile.TemporaryDirectory() as directory:
            path = pathlib.Path(directory) / "x.key"
            self.assertNotEqual(run("key", "new", str(path), "--kind", "house").returncode, 0)
            self.assertFalse(path.exists())


class Codec(unittest.TestCase):
    def decode(self, lines):
        done = run("codec", "decode", "--protocol", "moderntensor", text=lines)
        self.assertEqual(done.returncode, 0, done.stderr)
        return [json.loads(line) for line in done.stdout.splitlines()]

    def test_frames_survive_decoding_and_encoding(self):
        frames = frames_of_vectors()
        decoded = self.decode("\n".join(frames) + "\n")
        self.assertEqual(len(decoded), len(frames))
        done = run("codec", "encode", "--protocol", "moderntensor",
                   text="".join(json.dumps(one) + "\n" for one in decoded))
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertEqual(self.decode(done.stdout), decoded)

    def test_bad_lines_are_reported_and_do_not_stop_the_others(self):
        frame = frames_of_vectors()[0]
        answers = self.decode(f"zz\n\n  {frame}\r\n")
        self.assertEqual(len(answers), 2)
        self.assertIn("error", answers[0])
        self.assertNotIn("error", answers[1])

    def test_what_is_no_message_cannot_be_encoded(self):
        for line in ["{", "[]", '{"type":"no such type"}']:
            with self.subTest(line):
                done = run("codec", "encode", "--protocol", "moderntensor", text=line + "\n")
                self.assertEqual(done.returncode, 1)
                self.assertIn("line 1", done.stderr)


# One of each message that needs no block.
VALID = ["hello_testnet_high", "get_blocks_range", "get_headers_custom", "get_peers_ten", "peers_three", "ping",
         "disconnect_bye", "disconnect_utf8", "new_transaction_transfer", "new_block_hashes_genesis",
         "get_state_from_fast_sync"]


def frames_of_vectors():
    """Whole valid frames, as hexadecimal."""
    cases = json.loads((VECTORS / "moderntensor" / "frames.json").read_text())
    by_name = {case["name"]: case["hex"] for case in cases["cases"]}
    return [by_name[name] for name in VALID]


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1])
