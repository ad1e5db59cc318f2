#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""One node of the original ModernTensor, run by its own code and led through pipes by test.py.

Usage: original.py NETWORK_ID [GENESIS_HASH], with SENNIT_MODERNTENSOR naming its source.

Standard input: a command a line, {"id": 1, "do": "dial", ...}. Standard output: its answer,
{"id": 1, "done": ...} or {"id": 1, "failed": ...}, and meanwhile what the node sees, as
{"event": "received" | "sent" | "log", ...}.
Nothing of the original is replaced: its two methods that touch the socket are watched, and call
through.
"""
import asyncio
import json
import logging
import os
import secrets
import sys

MISSING = 77


def emit(**line):
    print(json.dumps(line), flush=True)


try:
    sys.path.insert(0, os.environ["SENNIT_MODERNTENSOR"])
    from sdk.blockchain.block import Block
    from sdk.blockchain.state import StateDB
    from sdk.blockchain.transaction import Transaction
    from sdk.blockchain.validation import BlockValidator, ChainConfig
    from sdk.network import messages
    from sdk.network.p2p import P2PNode, Peer
    from sdk.network.sync import SyncManager
except ImportError as error:
    emit(event="missing", text=str(error))
    sys.exit(MISSING)


class LogToPipe(logging.Handler):
    def emit(self, record):
        emit(event="log", level=record.levelname, text=record.getMessage())


def watch_messages():
    """Everything that goes through a peer's socket becomes an event as well."""
    receive, send = Peer.receive_message, Peer.send_message

    def tell(event, peer, message):
        emit(event=event, type=message.type.name, peer=peer.address,
             payload=message.payload.decode("utf-8", "replace"))

    async def receive_message(self):
        message = await receive(self)
        if message is not None:
            tell("received", self, message)
        return message

    async def send_message(self, data):
        await send(self, data)
        tell("sent", self, messages.MessageCodec.decode(data))

    Peer.receive_message, Peer.send_message = receive_message, send_message


def plain(header):
    """A header as the original's parser has it, bytes in hexadecimal."""
    return {name: value.hex() if isinstance(value, bytes) else value
            for name, value in vars(header).items()}


class Original:
    def __init__(self, network_id, genesis):
        self.node = P2PNode(listen_port=0, bootstrap_nodes=[], node_id=secrets.token_bytes(32),
                            network_id=network_id)
        self.node.genesis_hash = genesis  # None: a fresh node's zeros
        # Its state is empty, as the original's always is: sync starts at height 0.
        self.manager = SyncManager(self.node, BlockValidator(StateDB(), ChainConfig(network_id)))
        self.blocks = []
        self.manager.on_block_synced = lambda block: self.blocks.append(plain(block.header))

    async def start(self):
        await self.node.start()
        # The port is the OS's choice; the next HELLO has to name it.
        self.node.listen_port = self.node.server.sockets[0].getsockname()[1]
        return {"port": self.node.listen_port, "node_id": self.node.node_id.hex()}

    def live(self):
        # Its table keeps inbound peers that have left until its next round of 30 s.
        return [peer for peer in self.node.peers.values() if peer.connected]

    async def dial(self, port):
        return await self.node.connect_peer("127.0.0.1", port) is not None

    async def peers(self):
        return [{"port": peer.peer_info.port, "node_id": peer.peer_info.node_id.hex(),
                 "height": peer.height, "hash": peer.best_hash.hex(), "latency": peer.latency,
                 "capabilities": peer.peer_info.capabilities} for peer in self.live()]

    async def sync(self, fast=False):
        self.blocks.clear()
        await (self.manager.fast_sync() if fast else self.manager.sync())
        return {"headers": [plain(header) for header in self.manager.headers_cache.values()],
                "blocks": self.blocks, "current_height": self.manager.status.current_height}

    async def say(self, type, payload=""):
        frame = messages.Message(messages.MessageType[type], payload.encode())
        for peer in self.live():
            await peer.send_message(messages.MessageCodec.encode(frame))

    async def hello_again(self):
        hello = messages.HelloMessage(1, self.node.network_id, bytes(32), 10**9, bytes(32), 1,
                                      self.node.node_id, ["sync", "relay"])
        for peer in self.live():
            await peer.send_message(messages.MessageCodec.encode_hello(hello))

    async def ask_peers(self):
        for peer in self.live():
            await peer.send_message(
                messages.MessageCodec.encode_get_peers(messages.GetPeersMessage()))

    async def send_transaction(self, fields):
        """Encoded and sent by the original's broadcast. Without v its own signing, placeholders."""
        numbers = {name: fields[name] for name in ("nonce", "value", "gas_price", "gas_limit")}
        octets = {name: bytes.fromhex(fields[name]) for name in ("from_address", "to_address")}
        transaction = Transaction(**numbers, **octets)
        if "v" in fields:
            transaction.v = fields["v"]
            transaction.r, transaction.s = (bytes.fromhex(fields[name]) for name in "rs")
        else:
            transaction.sign(bytes(32))
        await self.node.broadcast_transaction(transaction)

    async def announce(self, height):
        """A block of a chain of its own."""
        block = Block.create_genesis(self.node.network_id)
        block.header.height = height
        await self.node.broadcast_block(block)

    async def stop(self):
        # From Python 3.12 on wait_closed() waits for the open links, which the original hangs up
        # only after it: its own stop() would hang.
        async def closed():
            pass
        self.node.server.wait_closed = closed
        await self.node.stop()


async def obey(original, command):
    number = command.pop("id")
    try:
        done = await getattr(original, command.pop("do"))(**command)
        emit(id=number, done=done)
    except Exception as error:  # whatever it is, test.py has to hear it
        emit(id=number, failed=f"{type(error).__name__}: {error}")


async def main():
    logger = logging.getLogger("sdk")
    logger.addHandler(LogToPipe())
    logger.setLevel(logging.INFO)
    watch_messages()
    genesis = bytes.fromhex(sys.argv[2]) if len(sys.argv) > 2 else None
    original = Original(int(sys.argv[1]), genesis)
    lines = asyncio.StreamReader()
    await asyncio.get_running_loop().connect_read_pipe(
        lambda: asyncio.StreamReaderProtocol(lines), sys.stdin)
    running = set()
    # End of input: test.py is done, or dead.
    while line := await lines.readline():
        task = asyncio.create_task(obey(original, json.loads(line)))
        running.add(task)
        task.add_done_callback(running.discard)


if __name__ == "__main__":
    asyncio.run(main())
