// SPDX-License-Identifier: MIT
// AutoNAT v2: sennit dials js-libp2p back, whose own handler takes the nonce, and demands data
// before it dials another host; three js-libp2p nodes tell sennit that it can be reached, and
// three that lie do not. js's own server refuses all private hosts, loopback among them, so
// the servers here are this file's, with bytes written by hand.
import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { after, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'

import { autoNATv2 } from '@libp2p/autonat-v2'
import { identify } from '@libp2p/identify'
import { noise } from '@libp2p/noise'
import { tcp } from '@libp2p/tcp'
import { yamux } from '@libp2p/yamux'
import { multiaddr } from '@multiformats/multiaddr'
import { createLibp2p } from 'libp2p'

const SENNIT = process.env.SENNIT
const REQUEST = '/libp2p/autonat/2/dial-request'
const BACK = '/libp2p/autonat/2/dial-back'

const stops = []
after(async () => { for (const stop of stops.reverse()) await stop() })

async function jsNode (services = {}, listen = '/ip4/127.0.0.1/tcp/0') {
    const node = await createLibp2p({
        addresses: { listen: [listen] },
        transports: [tcp()],
        // By default js takes five connections a second from one host.
        connectionManager: { inboundConnectionThreshold: 1000 },
        connectionEncrypters: [noise()],
        streamMuxers: [yamux()],
        services: { identify: identify(), ...services }
    })
    stops.push(() => node.stop())
    return node
}

/** `sennit p2p listen --autonat`, its events so far, and its address. */
async function sennit (...more) {
    const child = spawn(SENNIT, ['p2p', 'listen', '--autonat', '--json', ...more],
        { stdio: ['ignore', 'pipe', 'inherit'] })
    stops.push(async () => {
        const ended = once(child, 'exit')
        child.kill('SIGTERM')
        await ended
    })
    const events = []
    createInterface({ input: child.stdout }).on('line', line => events.push(JSON.parse(line)))
    const listening = await until(() => events.find(one => one.event === 'listening'))
    return { events, address: multiaddr(listening.address) }
}

async function until (what) {
    for (;;) {
        const found = what()
        if (found) return found
        await sleep(10)
    }
}

// The few fields of protobuf that are needed: all lengths here are below 128, but for data.
function varint (n) {
    const out = []
    for (; n > 0x7f; n = Math.floor(n / 128)) out.push(n % 128 | 0x80)
    return Buffer.from([...out, n])
}
const field = (number, bytes) => Buffer.concat([Buffer.from([number << 3 | 2]), varint(bytes.length), bytes])
const frame = bytes => Buffer.concat([varint(bytes.length), bytes])
function fixed64 (number, value) {
    const out = Buffer.alloc(9)
    out[0] = number << 3 | 1
    out.writeBigUInt64LE(value, 1)
    return out
}
/** Fields by number: numbers, and bytes; of several the last. */
function fields (bytes) {
    const out = {}
    const read = () => {
        let n = 0
        for (let shift = 0; ; shift += 7) {
            const byte = bytes[at++]
            n += (byte & 0x7f) * 2 ** shift
            if (!(byte & 0x80)) return n
        }
    }
    let at = 0
    while (at < bytes.length) {
        const tag = read()
        if ((tag & 7) === 0) {
            out[tag >> 3] = read()
        } else if ((tag & 7) === 1) {
            out[tag >> 3] = bytes.readBigUInt64LE(at)
            at += 8
        } else {
            const size = read()
            out[tag >> 3] = bytes.subarray(at, at + size)
            at += size
        }
    }
    return out
}

/** Cuts messages out of a stream, by its events, since the iterator drops what comes with its end. */
function messages (stream) {
    let bytes = Buffer.alloc(0)
    let ended = false
    stream.addEventListener('message', event => { bytes = Buffer.concat([bytes, event.data.subarray()]) })
    stream.addEventListener('close', () => { ended = true })
    return async () => {
        for (;;) {
            let size = 0
            for (let at = 0; at < bytes.length; at++) {
                size += (bytes[at] & 0x7f) * 2 ** (7 * at)
                if (bytes[at] & 0x80) continue
                if (bytes.length < at + 1 + size) break
                const out = bytes.subarray(at + 1, at + 1 + size)
                bytes = bytes.subarray(at + 1 + size)
                return out
            }
            if (ended) throw new Error('the stream ended before its message')
            await sleep(2)
        }
    }
}

const request = (nonce, ...addresses) =>
    frame(field(1, Buffer.concat([...addresses.map(one => field(1, Buffer.from(one.bytes))), fixed64(2, nonce)])))
/** Without zeros: an index of zero is left out. */
const response = (status, dialStatus) =>
    frame(field(2, Buffer.concat([Buffer.from([0x08]), varint(status), Buffer.from([0x18]), varint(dialStatus)])))
const plain = node => node.getMultiaddrs()[0].decapsulate('/p2p')

test('sennit dials js back, whose handler takes the nonce', { timeout: 30_000 }, async () => {
    const { address } = await sennit()
    const node = await jsNode({ autonat: autoNATv2() })
    const nonce = 0x1122334455667788n
    // As if js had asked: it asks about public addresses only.
    node.services.autonat.client.nonces.add(nonce)
    const stream = await node.dialProtocol(address, REQUEST)
    const next = messages(stream)
    stream.send(request(nonce, plain(node)))
    const said = fields(fields(await next())[2])
    assert.deepEqual([said[1], said[2] ?? 0, said[3]], [200, 0, 200])
    assert.equal(node.services.autonat.client.nonces.has(nonce), false)
    await until(() => node.getConnections().length === 1) // the one on which it asked
})

test('sennit tells js that its handler has refused the nonce', { timeout: 30_000 }, async () => {
    const { address } = await sennit()
    const node = await jsNode({ autonat: autoNATv2() })
    const stream = await node.dialProtocol(address, REQUEST)
    const next = messages(stream)
    stream.send(request(1n, plain(node)))
    const said = fields(fields(await next())[2])
    assert.deepEqual([said[1], said[3]], [200, 101])
})

test('sennit tells js that nobody listens there', { timeout: 30_000 }, async () => {
    const { address } = await sennit()
    const node = await jsNode({ autonat: autoNATv2() })
    const stream = await node.dialProtocol(address, REQUEST)
    const next = messages(stream)
    stream.send(request(1n, multiaddr('/dns4/example.org/tcp/1'), multiaddr('/ip4/127.0.0.1/tcp/1')))
    const said = fields(fields(await next())[2])
    assert.deepEqual([said[1], said[2], said[3]], [200, 1, 100])
})

test('sennit has js pay before it dials another host', { timeout: 30_000 }, async () => {
    const { address } = await sennit()
    const node = await jsNode({ autonat: autoNATv2() }, '/ip4/127.0.0.2/tcp/0')
    const nonce = 77n
    node.services.autonat.client.nonces.add(nonce)
    const stream = await node.dialProtocol(address, REQUEST)
    const next = messages(stream)
    stream.send(request(nonce, plain(node)))
    const demand = fields(fields(await next())[3])
    assert.ok(demand[2] >= 30_000 && demand[2] <= 100_000, `${demand[2]} bytes`)
    const data = frame(field(4, field(1, Buffer.alloc(4096))))
    for (let paid = 0; paid < demand[2]; paid += 4096) {
        assert.equal(node.services.autonat.client.nonces.has(nonce), true)
        if (!stream.send(data)) await stream.onDrain()
    }
    const said = fields(fields(await next())[2])
    assert.deepEqual([said[1], said[3]], [200, 200])
    assert.equal(node.services.autonat.client.nonces.has(nonce), false)
})

/** Serves dial requests; the dial is another node's, as go has it. */
async function server (honest) {
    const node = await jsNode()
    await node.handle(REQUEST, async stream => {
        const asked = fields(fields(await messages(stream)())[1])
        if (honest) {
            const dialler = await jsNode()
            const back = await dialler.dialProtocol(multiaddr(asked[1]), BACK)
            const next = messages(back)
            back.send(frame(fixed64(1, asked[2])))
            assert.equal((await next()).length, 0)
        }
        stream.send(response(200, 200))
        await stream.close()
    })
    return node.getMultiaddrs()[0].toString()
}

test('sennit believes three js servers whose nonces came', { timeout: 60_000 }, async () => {
    const peers = await Promise.all([server(true), server(true), server(true)])
    const { events, address } = await sennit(...peers.flatMap(one => ['--peer', one]))
    const told = await until(() => events.find(one => one.event === 'reachable'))
    assert.equal(told.address, address.decapsulate('/p2p').toString())
})

test('sennit does not believe three js servers that never dialled', { timeout: 60_000 }, async () => {
    const peers = await Promise.all([server(false), server(false), server(false)])
    const { events } = await sennit(...peers.flatMap(one => ['--peer', one]))
    await until(() => events.filter(one => one.event === 'identified').length === 3)
    await sleep(7_000)
    assert.deepEqual(events.filter(one => /reachable/.test(one.event)), [])
})
