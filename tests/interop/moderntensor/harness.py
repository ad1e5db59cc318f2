# SPDX-License-Identifier: MIT
"""Processes that test.py leads: nodes of the original, a Sennit node. Every wait has a deadline."""
import contextlib
import http.server
import json
import pathlib
import re
import subprocess
import sys
import threading
import time
import urllib.request

HERE = pathlib.Path(__file__).resolve().parent
MISSING = 77
PATIENCE = 20


class Failed(Exception):
    pass


class Missing(Exception):
    """This machine cannot run the original's code."""


def check(holds, text):
    if not holds:
        raise Failed(text)


def same(found, expected, what):
    check(found == expected, f"{what}: {brief(found)}, expected {brief(expected)}")


def brief(value):
    text = repr(value)
    return text if len(text) <= 400 else f"{text[:400]} ... ({len(text)} characters)"


def each_once(found, count, what):
    """0 to count - 1, in this order; says which are missing or twice."""
    missing = sorted(set(range(count)) - set(found))
    twice = sorted({one for one in found if found.count(one) > 1})
    check(not missing and not twice, f"{what}: missing {brief(missing)}, twice {brief(twice)}")
    same(found, list(range(count)), what)


def until(what, ask, seconds=PATIENCE):
    """What `ask` answers once it is true. For what only RPC tells: it has no events."""
    end = time.monotonic() + seconds
    while not (answer := ask()):
        check(time.monotonic() < end, f"not within {seconds} s: {what}")
        time.sleep(0.05)
    return answer


class Lines:
    """Lines of a process' output, kept and awaited."""

    def __init__(self, stream, parse=lambda line: line):
        self.all, self.ended, self.changed = [], False, threading.Condition()
        self.thread = threading.Thread(target=self._read, args=(stream, parse), daemon=True)
        self.thread.start()

    def _read(self, stream, parse):
        for line in stream:
            with self.changed:
                self.all.append(parse(line.rstrip("\n")))
                self.changed.notify_all()
        with self.changed:
            self.ended = True
            self.changed.notify_all()

    def first(self, what, wanted, since=0, seconds=PATIENCE):
        """The first line from `since` on for which `wanted` is true."""
        end, at = time.monotonic() + seconds, since
        with self.changed:
            while True:
                for line in self.all[at:]:
                    if wanted(line):
                        return line
                at = len(self.all)
                left = end - time.monotonic()
                if left <= 0 or self.ended:
                    why = "it ended" if self.ended else f"not within {seconds:.0f} s"
                    tail = "\n".join(str(line)[:300] for line in self.all[-8:])
                    raise Failed(f"{why}: {what}; the last it said:\n{tail}")
                self.changed.wait(left)


class Child:
    """A process that is stopped whatever happens, and shows what it said if that was a failure."""

    def __enter__(self):
        return self

    def __exit__(self, kind, *_):
        if kind is Failed:
            print(f"--- {self.name}'s log", *self.said()[-20:], sep="\n")
        self.stop()


class Original(Child):
    """A process with one original node, see original.py."""

    def __init__(self, name, network_id, genesis=None):
        self.name, self.number = name, 0
        arguments = [str(network_id), *([genesis] if genesis else [])]
        # -B: nothing is written into the original's directory.
        self.process = subprocess.Popen(
            [sys.executable, "-B", HERE / "original.py", *arguments],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        self.errors = Lines(self.process.stderr)
        self.lines = Lines(self.process.stdout, json.loads)
        try:
            started = self.call("start")
        except Failed as failed:
            self.stop()
            missing = [line["text"] for line in self.lines.all if line.get("event") == "missing"]
            if missing:
                raise Missing(missing[0]) from None
            raise Failed(f"{failed}\n" + "\n".join(self.errors.all[-20:])) from None
        self.port, self.node_id = started["port"], started["node_id"]

    def begin(self, do, **arguments):
        self.number += 1
        command = {"id": self.number, "do": do, **arguments}
        try:
            self.process.stdin.write(json.dumps(command) + "\n")
            self.process.stdin.flush()
        except OSError:
            pass  # it has ended: whoever waits for the answer says so
        return self.number

    def finish(self, number, what, seconds=PATIENCE):
        answer = self.lines.first(f"{self.name} does: {what}",
                                  lambda line: line.get("id") == number, 0, seconds)
        check("failed" not in answer, f"{self.name}: {what}: {answer.get('failed')}")
        return answer["done"]

    def call(self, do, **arguments):
        return self.finish(self.begin(do, **arguments), do)

    def mark(self):
        return len(self.lines.all)

    def event(self, event, type, wanted=lambda payload: True, since=0, seconds=PATIENCE):
        """The payload of a message that the original received or sent."""
        return self.lines.first(
            f"{self.name} {event} {type}",
            lambda line: (line.get("event"), line.get("type")) == (event, type)
            and wanted(line["payload"]), since, seconds)["payload"]

    def events(self, event, type, since=0):
        with self.lines.changed:
            return [json.loads(line["payload"]) for line in self.lines.all[since:]
                    if (line.get("event"), line.get("type")) == (event, type)]

    def log(self, what, wanted, since=0):
        return self.lines.first(f"{self.name} logs: {what}", lambda line: line.get("event") == "log"
                                and wanted(line["text"]), since)["text"]

    def said(self):
        return [line["text"] for line in self.lines.all if line.get("event") == "log"]

    def errors_logged(self):
        return [line["text"] for line in self.lines.all
                if line.get("event") == "log" and line["level"] in ("ERROR", "CRITICAL")]

    def stop(self):
        """It ends with its input."""
        with contextlib.suppress(OSError):
            self.process.stdin.close()
        wait_or_kill(self.process)


def wait_or_kill(process, seconds=PATIENCE):
    try:
        return process.wait(seconds)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
        return None


class Sennit(Child):
    """A real node; the OS chooses its ports and its log tells them."""

    name = "Sennit"

    def __init__(self, binary, directory, peers, validator):
        key = 'validator_key = "validator.key"\n' if validator else ""
        (directory / "config.toml").write_text(
            f'{key}[rpc]\nport = 0\n[protocols.moderntensor]\nlisten = ["tcp://127.0.0.1:0"]\n'
            f"peers = {json.dumps([f'tcp://127.0.0.1:{port}' for port in peers])}\n")
        self.binary, self.directory = binary, directory
        self.process = subprocess.Popen(
            [binary, "node", "--config", directory / "config.toml", "--log", "debug"],
            stdin=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
        self.log = Lines(self.process.stderr)
        try:
            self.rpc_url = re.search(r"http://\S+", self.log.first(
                "the node's RPC address", lambda line: "RPC at http://" in line)).group()
            self.port = int(re.search(r"(\d+)$", self.log.first(
                "where the node listens", lambda line: "listens on tcp://" in line)).group())
        except Failed:
            self.stop()
            raise

    def said(self):
        return self.log.all

    def ask(self, body):
        """JSON-RPC as it is: one request, or a list of them."""
        request = urllib.request.Request(self.rpc_url, json.dumps(body).encode(),
                                         {"content-type": "application/json"})
        try:
            with urllib.request.urlopen(request, timeout=PATIENCE) as answer:
                return json.load(answer)
        except OSError as error:
            raise Failed(f"Sennit's RPC does not answer: {error}") from None

    def rpc(self, method, *params):
        answer = self.ask({"jsonrpc": "2.0", "id": 1, "method": method, "params": params})
        check("result" in answer, f"{method}{params}: {answer.get('error')}")
        return answer["result"]

    def block(self, height):
        return self.rpc("eth_getBlockByNumber", hex(height), True)

    def blocks(self, count):
        """Blocks 0 to count - 1; a batch takes a hundred requests."""
        out = []
        for begin in range(0, count, 100):
            answers = self.ask([{"jsonrpc": "2.0", "id": height, "method": "eth_getBlockByNumber",
                                 "params": [hex(height), False]}
                                for height in range(begin, min(begin + 100, count))])
            out += [one["result"] for one in sorted(answers, key=lambda one: one["id"])]
        return out

    def run(self, *arguments):
        done = subprocess.run([self.binary, *arguments], capture_output=True, text=True,
                              timeout=PATIENCE)
        check(done.returncode == 0, f"sennit {' '.join(map(str, arguments))}: {done.stderr}")
        return done.stdout.strip()

    def send(self, to, value, rpc_url=None):
        """`sennit send` from the chain's rich account; the hash that the RPC answered."""
        return json.loads(self.run("send", "--rpc", rpc_url or self.rpc_url, "--no-wait", "--json",
                                   "--key", self.directory / "faucet.key", "--to", to,
                                   "--value", f"{value}wei"))["hash"]

    def stop(self):
        self.process.terminate()
        return wait_or_kill(self.process)


def signed_only(node, to, value):
    """A transaction that `sennit send` signed and nobody was sent, as bytes.

    The command signs what it submits: it is given an RPC that passes everything on but that.
    """
    caught = []

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_POST(self):
            body = json.loads(self.rfile.read(int(self.headers["content-length"])))
            if body["method"] == "eth_sendRawTransaction":
                caught.append(body["params"][0])
                answer = {"jsonrpc": "2.0", "id": body["id"], "result": "0x" + "00" * 32}
            else:
                answer = node.ask(body)
            text = json.dumps(answer).encode()
            self.send_response(200)
            self.send_header("content-type", "application/json")
            self.send_header("content-length", str(len(text)))
            self.end_headers()
            self.wfile.write(text)

        def log_message(self, *_):
            pass

    with http.server.HTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            node.send(to, value, f"http://127.0.0.1:{server.server_port}")
        finally:
            server.shutdown()
            thread.join()
    same(len(caught), 1, "transactions that `sennit send` submitted")
    return bytes.fromhex(caught[0][2:])


def rlp_strings(data):
    """The items of a list of strings: enough of RLP for a transaction."""
    def head(at):
        first = data[at]
        short, long = (0x80, 0xb7) if first < 0xc0 else (0xc0, 0xf7)
        if first < 0x80:
            return at, 1
        if first <= long:
            return at + 1, first - short
        size = first - long
        return at + 1 + size, int.from_bytes(data[at + 1:at + 1 + size], "big")

    at, length = head(0)
    same(at + length, len(data), "length of the RLP list")
    out = []
    while at < len(data):
        at, length = head(at)
        out.append(data[at:at + length])
        at += length
    return out
