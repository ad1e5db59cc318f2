#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""A Sennit node against nodes of the original ModernTensor, each in a process of its own.

Usage: SENNIT_MODERNTENSOR=DIRECTORY test.py SENNIT BENCH_MAKE_CHAIN, where DIRECTORY holds the
original's source (sdk/network/p2p.py). Exit status 77: there is none, or it cannot run here.
"""
import json
import os
import pathlib
import signal
import subprocess
import sys
import tempfile
import time

from harness import (MISSING, Failed, Missing, Original, Sennit, check, each_once, rlp_strings,
                     same, signed_only, until)

CHAIN_ID = 7777  # what bench_make_chain makes
HEIGHT = 450  # neither a multiple of 192 nor of 128: both last batches are short
HEADER_BATCHES, BLOCK_BATCHES = [192, 192, 67], [128, 128, 128, 67]
PING_EVERY = 30
WHOLE = 180  # seconds; it takes 40
BYE = "Node shutting down"


def ok(text):
    print(f"ok: {text}", flush=True)


def bare(text):
    check(text.startswith("0x"), f"not 0x: {text}")
    return text[2:]


def header_of(block):
    """A block of our RPC as the original's parser names a header's fields."""
    number = {"height": "number", "timestamp": "timestamp", "gas_used": "gasUsed",
              "gas_limit": "gasLimit"}
    octets = {"previous_hash": "parentHash", "state_root": "stateRoot",
              "txs_root": "transactionsRoot", "receipts_root": "receiptsRoot",
              "validator": "validator", "signature": "signature"}
    return {**{ours: int(block[theirs], 16) for ours, theirs in number.items()},
            **{ours: bare(block[theirs]) for ours, theirs in octets.items()}}


def same_header(found, block, who):
    for name, value in header_of(block).items():
        same(found[name], value, f"{who}: {name} of block {int(block['number'], 16)}")


def sees_sennit(original, node):
    """The original's own table holds our node, as its HELLO described it."""
    status = node.rpc("sennit_status")
    peers = original.call("peers")
    same(len(peers), 1, f"peers of {original.name}")
    same(peers[0]["port"], node.port, f"{original.name}: our port")
    same(peers[0]["height"], status["finalized"], f"{original.name}: our height")
    same(peers[0]["hash"], bare(status["finalizedHash"]), f"{original.name}: our best hash")
    key = node.run("key", "show", "--kind", "node", node.directory / "node.key")
    same(peers[0]["node_id"], bare(key), f"{original.name}: our node id")
    same(peers[0]["capabilities"], ["sync", "relay", "sennit/1"], f"{original.name}: capabilities")


def seen_by_sennit(node, original, direction):
    def found():
        return [peer for peer in node.rpc("sennit_peers") if peer["direction"] == direction
                and peer["nodeId"] == "0x" + original.node_id]
    peer = until(f"sennit_peers names {original.name}, {direction}", found)[0]
    same((peer["sennit"], peer["proven"]), (False, False), f"what we think of {original.name}")


def handshakes(node, listener, dialler, since=0):
    listener.event("sent", "HELLO", since=since)  # its answer: then it has read ours
    sees_sennit(listener, node)
    seen_by_sennit(node, listener, "outbound")
    ok("Sennit dialled the original, and each knows the other")
    check(dialler.call("dial", port=node.port), "the original could not connect to Sennit")
    sees_sennit(dialler, node)
    seen_by_sennit(node, dialler, "inbound")
    ok("the original dialled Sennit, and each knows the other")


def strangers(node, genesis):
    wrong = bytes.fromhex(genesis)[::-1].hex()
    for network, its_genesis, reason in [(1, None, "Different network"),
                                         (CHAIN_ID, wrong, "Different genesis")]:
        with Original("a stranger", network, its_genesis) as stranger:
            check(not stranger.call("dial", port=node.port), f"a stranger got in: {reason}")
            same(stranger.event("received", "DISCONNECT"), reason, "why a stranger was refused")
            ok(f"an original of another kind was told: {reason}")


def pings(*originals):
    for original in originals:
        mark = original.mark()
        original.call("say", type="PING")
        original.event("received", "PONG", since=mark)
    ok(f"PONG to each PING of {' and '.join(one.name for one in originals)}")


def syncs(node, listener, dialler):
    blocks = node.blocks(HEIGHT + 1)
    slow = dialler.begin("sync")
    fast = listener.begin("sync", fast=True)
    answer = dialler.finish(slow, "sync", 60)
    each_once([header["height"] for header in answer["headers"]], HEIGHT + 1,
              "heights of the headers that the original keeps")
    requests = dialler.events("sent", "GET_HEADERS")
    same([(one["start_height"], one["max_headers"]) for one in requests],
         [(0, 192), (192, 192), (384, 192)], "its requests for headers")
    batches = [one["headers"] for one in dialler.events("received", "HEADERS")]
    same([len(batch) for batch in batches], HEADER_BATCHES, "headers in each answer")
    for header, raw, block in zip(answer["headers"], sum(batches, []), blocks, strict=True):
        same_header(header, block, "header at the original")
        # Its parser drops this one, so what was sent is looked at.
        same(raw["extra_data"], bare(block["extraData"]), f"extra_data of {header['height']}")
    for parent, child in zip(blocks, answer["headers"][1:], strict=False):
        same(child["previous_hash"], bare(parent["hash"]), f"link of {child['height']}")
    ok(f"the original synced {HEIGHT + 1} headers, {HEADER_BATCHES}, linked, ours")
    synced_blocks(dialler, answer, blocks)
    answer = listener.finish(fast, "fast_sync", 60)
    same(listener.events("received", "STATE"), [{"height": 0, "error": "not available"}],
         "answer to GET_STATE")
    synced_blocks(listener, answer, blocks)
    ok("its fast sync was refused a state, and synced the blocks nevertheless")


def synced_blocks(original, answer, blocks):
    requests = original.events("sent", "GET_BLOCKS")
    same([(one["start_height"], one["end_height"]) for one in requests],
         [(0, 128), (128, 256), (256, 384), (384, HEIGHT)], "its requests for blocks")
    batches = [one["blocks"] for one in original.events("received", "BLOCKS")]
    same([len(batch) for batch in batches], BLOCK_BATCHES, "blocks in each answer")
    each_once([block["height"] for block in answer["blocks"]], HEIGHT + 1,
              "heights of the blocks that the original synced")
    for header, block in zip(answer["blocks"], blocks, strict=True):
        same_header(header, block, "block at the original")
    ok(f"{original.name} synced {HEIGHT + 1} blocks, {BLOCK_BATCHES}, each once, ours")


def peers_answered(node, asker, other):
    mark = asker.mark()
    asker.call("ask_peers")
    peers = json.loads(asker.event("received", "PEERS", since=mark))["peers"]
    check(("127.0.0.1", other.port) in [(one["address"], one["port"]) for one in peers],
          f"GET_PEERS: {peers} without {other.name} at port {other.port}")
    for one in peers:
        same(sorted(one), ["address", "node_id", "port"], "members of a peer in PEERS")
    ok(f"GET_PEERS answered with {len(peers)} peers, the other original among them")


def wire_form(transaction):
    """A transaction of our RPC as NEW_TRANSACTION has it."""
    number = {"nonce": "nonce", "value": "value", "gas_price": "gasPrice", "gas_limit": "gas",
              "v": "v"}
    octets = {"from": "from", "to": "to", "data": "input"}
    return {**{name: int(transaction[ours], 16) for name, ours in number.items()},
            **{name: bare(transaction[ours]) for name, ours in octets.items()},
            **{name: bare(transaction[name]).rjust(64, "0") for name in "rs"}}


def ours_reaches_originals(node, *originals):
    tx_hash = node.send("0x" + "5e" * 20, 17)
    transaction = node.rpc("eth_getTransactionByHash", tx_hash)
    expected = wire_form(transaction)
    same((expected["value"], expected["to"]), (17, "5e" * 20), "the transfer that was sent")
    for original in originals:
        payload = json.loads(original.event("received", "NEW_TRANSACTION"))
        same(payload, expected, f"NEW_TRANSACTION at {original.name}")
    ok("a transfer sent to Sennit's RPC reached both originals, every field right")


def theirs_reaches_us(node, sender, other):
    to, value = "5f" * 20, 23
    raw = signed_only(node, "0x" + to, value)
    tx_hash = node.rpc("web3_sha3", "0x" + raw.hex())
    same(node.rpc("eth_getTransactionByHash", tx_hash), None, "the transaction before it was sent")
    nonce, gas_price, gas_limit, _, _, _, v, r, s = rlp_strings(raw)
    numbers = {name: int.from_bytes(item, "big") for name, item in
               [("nonce", nonce), ("gas_price", gas_price), ("gas_limit", gas_limit), ("v", v)]}
    faucet = bare(node.run("key", "show", node.directory / "faucet.key"))
    sender.call("send_transaction", fields={
        **numbers, "value": value, "from_address": faucet, "to_address": to,
        "r": r.hex().rjust(64, "0"), "s": s.hex().rjust(64, "0")})
    transaction = until("the original's transaction is known to Sennit",
                        lambda: node.rpc("eth_getTransactionByHash", tx_hash))
    ok("a NEW_TRANSACTION of the original entered the pool")
    payload = json.loads(other.event("received", "NEW_TRANSACTION",
                                     lambda text: json.loads(text)["to"] == to))
    same(payload, wire_form(transaction), f"what {other.name} was told of it")
    ok("and was relayed to the other original")
    return tx_hash, to, value


def mined(node, tx_hash, to, value):
    receipt = until(f"receipt of {tx_hash}",
                    lambda: node.rpc("eth_getTransactionReceipt", tx_hash), 40)
    same(receipt["status"], "0x1", "status in the receipt")
    same(int(node.rpc("eth_getBalance", "0x" + to, "latest"), 16), value, "balance afterwards")
    return int(receipt["blockNumber"], 16)


def announced(node, height, *originals):
    """Finalised blocks up to `height` are told to the originals, and nothing that is not final."""
    for original in originals:
        text = original.event("received", "NEW_BLOCK_HASHES",
                              lambda text: json.loads(text)["height"] >= height, seconds=60)
        told = original.events("received", "NEW_BLOCK_HASHES")
        heights = [one["height"] for one in told]
        same(heights, sorted(set(heights)), f"heights announced to {original.name}")
        check(heights[-1] <= node.rpc("sennit_status")["finalized"],
              f"{original.name} was told of block {heights[-1]}, which is not final")
        for one in told:
            block = node.block(one["height"])
            same(one, {"height": int(block["number"], 16), "hash": bare(block["hash"]),
                       "previous_hash": bare(block["parentHash"]),
                       "timestamp": int(block["timestamp"], 16)}, "an announcement")
        peer = original.call("peers")[0]
        check(peer["height"] >= json.loads(text)["height"],
              f"{original.name}: our height is still {peer['height']}")
        ok(f"{original.name} was told of {len(told)} finalised blocks; its best height follows")


def asked_for_announced(node, height, raw_to, original):
    """A fresh original asks for each announced block; its parser drops the transactions."""
    text = original.event("received", "BLOCKS",
                          lambda text: [one["height"] for one in json.loads(text)["blocks"]]
                          == [height])
    found, block = json.loads(text)["blocks"][0], node.block(height)
    same_header(found, block, "announced block")
    raws = found["transactions"]
    same([node.rpc("web3_sha3", "0x" + raw) for raw in raws],
         [one["hash"] for one in block["transactions"]], "transactions of the announced block")
    check(any(rlp_strings(bytes.fromhex(raw))[3].hex() == raw_to for raw in raws),
          f"block {height} lacks the original's transfer")
    ok(f"it asked for block {height} and got it with the transfers in it")


def noise(node, original):
    """What originals do by themselves and our chain has no use for."""
    mark = original.mark()
    original.call("announce", height=10**6)
    original.call("send_transaction", fields={
        "nonce": 0, "value": 1, "gas_price": 1, "gas_limit": 21000, "from_address": "01" * 20,
        "to_address": "02" * 20})
    original.call("say", type="GET_STATE", payload='{"height": 1}')
    original.event("received", "STATE", since=mark)
    pings(original)
    status = node.rpc("sennit_status")
    same(status["sync"]["state"], "IDLE", "sync after a block of another chain was announced")
    check(not any(one["from"] == "0x" + "01" * 20 for one in node.rpc("sennit_pool")["best"]),
          "a transaction with a placeholder for a signature is in the pool")
    ok("a foreign block, a placeholder's signature and GET_STATE changed nothing")


def sennit_pings(began, mark, listener, dialler):
    for original, since in [(listener, mark), (dialler, 0)]:
        left = max(began + PING_EVERY + 10 - time.monotonic(), 1)
        original.event("received", "PING", since=since, seconds=left)
        original.event("sent", "PONG", since=since)
    ok("Sennit's own PING came on both links and was answered")


def leaves(node, original):
    original.call("stop")
    node_id = "0x" + original.node_id
    until(f"{original.name} is gone from sennit_peers",
          lambda: node_id not in [one["nodeId"] for one in node.rpc("sennit_peers")])
    ok("the original said goodbye and is gone from our peers")


def says_goodbye(node, *originals):
    marks = [original.mark() for original in originals]
    same(node.stop(), 0, "exit status of the node")
    for original, mark in zip(originals, marks):
        same(original.event("received", "DISCONNECT", since=mark), BYE, f"{original.name}: reason")
        original.log(BYE, lambda text: text.endswith(f"disconnected: {BYE}"), mark)
        until(f"{original.name} has no peers", lambda: original.call("peers") == [])
    errors = [line for line in node.log.all if " error " in line]
    same(errors, [], "errors in the node's log")
    ok(f"Sennit stopped with status 0; {len(originals)} original(s) understood: {BYE}")


def finished_chain(binary, listener, directory, genesis):
    """A node whose chain stands still: what is synced can be counted."""
    with Sennit(binary, directory, [listener.port], validator=False) as node:
        genesis.append(bare(node.rpc("sennit_status")["genesis"]))
        same(node.rpc("sennit_status")["finalized"], HEIGHT, "finalised height of the made chain")
        with Original("the dialling original", CHAIN_ID) as dialler:
            handshakes(node, listener, dialler)
            strangers(node, genesis[0])
            pings(dialler, listener)
            syncs(node, listener, dialler)
            peers_answered(node, dialler, listener)
            same(dialler.errors_logged(), [], "errors that the original logged")
            leaves(node, dialler)
        says_goodbye(node, listener)


def living_chain(binary, listener, directory, genesis):
    """The same node as the chain's only validator."""
    mark, began = listener.mark(), time.monotonic()
    with Sennit(binary, directory, [listener.port], validator=True) as node, \
            Original("the dialling original", CHAIN_ID, genesis) as dialler:
        handshakes(node, listener, dialler, mark)
        ours_reaches_originals(node, listener, dialler)
        tx_hash, to, value = theirs_reaches_us(node, dialler, listener)
        height = mined(node, tx_hash, to, value)
        ok(f"and was mined in block {height}")
        announced(node, height, listener, dialler)
        asked_for_announced(node, height, to, dialler)
        noise(node, dialler)
        same(len([one for one in dialler.events("received", "NEW_TRANSACTION")
                  if one["to"] == to]), 0, "times that the sender got its transaction back")
        sennit_pings(began, mark, listener, dialler)
        seen_by_sennit(node, listener, "outbound")
        seen_by_sennit(node, dialler, "inbound")
        ok("after all that both are still connected")
        same(dialler.errors_logged(), [], "errors that the original logged")
        says_goodbye(node, listener, dialler)
        same(listener.errors_logged(), [], "errors that the listening original logged")


def out_of_time(*_):
    raise Failed(f"the whole test: not within {WHOLE} s")


def skip(text):
    print(f"SKIP: {text}")
    return MISSING


def main():
    source = os.environ.get("SENNIT_MODERNTENSOR", "")
    if not source:
        return skip("SENNIT_MODERNTENSOR does not name a directory with ModernTensor's source")
    if not (pathlib.Path(source) / "sdk/network/p2p.py").is_file():
        return skip(f"SENNIT_MODERNTENSOR: {source} has no sdk/network/p2p.py")
    binary, make_chain = sys.argv[1:]
    # Before ctest kills us: then nothing would stop what we started.
    signal.signal(signal.SIGALRM, out_of_time)
    signal.alarm(WHOLE)
    genesis = []
    with tempfile.TemporaryDirectory() as name:
        directory = pathlib.Path(name)
        subprocess.run([make_chain, directory, str(HEIGHT), "0", "1"], check=True, timeout=60,
                       stderr=subprocess.DEVNULL)
        (directory / "node.key").write_text("05" * 32 + "\n")
        try:
            with Original("the listening original", CHAIN_ID) as listener:
                finished_chain(binary, listener, directory, genesis)
                living_chain(binary, listener, directory, genesis[0])
        except Missing as missing:
            return skip(f"ModernTensor's source cannot be imported here: {missing}")
        except Failed as failed:
            print(f"FAILED: {failed}")
            return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
