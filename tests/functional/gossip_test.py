#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Topics as their user meets them: p2p pub, p2p sub, and the example. Usage: gossip_test.py BINARY EXAMPLE"""
import json
import signal
import subprocess
import sys
import unittest

BINARY, EXAMPLE = sys.argv[1:3]
ANYWHERE = "/ip4/127.0.0.1/tcp/0"


class Command:
    """A command that goes on, and what it says with --json."""

    def __init__(self, *arguments):
        self.process = subprocess.Popen([BINARY, "p2p", *arguments, "--json"], stdout=subprocess.PIPE, text=True)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.kill()
        self.process.stdout.close()
        self.process.wait()

    def until(self, name):
        for line in self.process.stdout:
            event = json.loads(line)
            if event["event"] == name:
                return event
        raise AssertionError(f"it ended before it said {name}")

    def end(self):
        self.process.send_signal(signal.SIGTERM)
        return self.until("total"), self.process.wait(timeout=10)


def pub(*arguments):
    return subprocess.run([BINARY, "p2p", "pub", *arguments], capture_output=True, text=True, timeout=60)


class Topics(unittest.TestCase):
    def test_a_message_gets_to_who_is_connected_by_way_of_another(self):
        with Command("sub", "news", "--listen", ANYWHERE) as near:
            address = near.until("listening")["address"]
            with Command("sub", "news", "--peer", address) as far:
                far.until("subscribed")
                done = pub("news", "hello", "--peer", address)
                self.assertEqual(done.returncode, 0, done.stderr)
                for one in near, far:
                    message = one.until("message")
                    self.assertEqual(bytes.fromhex(message["data"]), b"hello")
                    self.assertEqual(message["topic"], "news")
                total, status = far.end()
                self.assertEqual((total["messages"], total["invalid"], status), (1, 0, 0))

    def test_thousands_of_messages_all_arrive_and_tell_how_late(self):
        with Command("sub", "news", "--listen", ANYWHERE, "--quiet", "--count", "5000") as sub:
            address = sub.until("listening")["address"]
            done = pub("news", "--peer", address, "--count", "5000", "--size", "100", "--interval", "0", "--stamp")
            self.assertEqual(done.returncode, 0, done.stderr)
            self.assertIn("5000 messages to 1 peers", done.stdout)
            total = sub.until("total")
            self.assertEqual((total["messages"], total["bytes"]), (5000, 500_000))
            self.assertLessEqual(total["latencyMs"]["min"], total["latencyMs"]["p99"])
            self.assertEqual(sub.process.wait(timeout=10), 0)

    def test_one_message_may_be_larger_than_others_take_and_none_larger_than_a_message_is(self):
        with Command("sub", "news", "--listen", ANYWHERE) as sub:
            address = sub.until("listening")["address"]
            self.assertEqual(pub("news", "--peer", address, "--size", "900000").returncode, 0)
            self.assertEqual(sub.until("message")["size"], 900_000)
            self.assertEqual(pub("news", "--peer", address, "--size", "5M").returncode, 1)

    def test_who_signs_is_not_heard_where_nobody_does(self):
        with Command("sub", "news", "--listen", ANYWHERE, "--no-sign") as sub:
            address = sub.until("listening")["address"]
            pub("news", "signed", "--peer", address)
            pub("news", "unsigned", "--peer", address, "--no-sign")
            message = sub.until("message")
            self.assertEqual(bytes.fromhex(message["data"]), b"unsigned")
            self.assertEqual(sub.end()[0]["invalid"], 1)

    def test_the_example_prints_what_is_said(self):
        with Command("pub", "news", "hello, example", "--listen", ANYWHERE, "--count", "3", "--interval", "200") as one:
            address = one.until("listening")["address"].split("/p2p/")[0]
            example = subprocess.run([EXAMPLE, "news", address], capture_output=True, text=True, timeout=30)
            # The publisher leaves at its end, which the example tells of.
            self.assertEqual(example.stdout, "hello, example\n" * 3)
        self.assertEqual(subprocess.run([EXAMPLE], capture_output=True, timeout=10).returncode, 2)

    def test_what_cannot_be_done_says_why(self):
        done = pub("news", "x", "--peer", "/ip4/127.0.0.1/tcp/1")
        self.assertEqual(done.returncode, 1)
        self.assertRegex(done.stderr, "no peer is left")
        with Command("sub", "other", "--listen", ANYWHERE) as sub:
            address = sub.until("listening")["address"]
            done = pub("news", "x", "--peer", address, "--timeout", "1")
            self.assertEqual(done.returncode, 1)
            self.assertIn("nobody is in the topic", done.stderr)


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1])
