// SPDX-License-Identifier: MIT
// One question, one answer: js-libp2p asks sennit and sennit asks js-libp2p, in a protocol with
// length prefixes and in one whose messages end with the stream; and they measure each other.
import assert from 'node:assert/strict'
import { execFile, spawn } from 'node:child_process'
import { createHash, randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { after, before, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { promisify } from 'node:util'

import { identify } from '@libp2p/identify'
import { noise } from '@libp2p/noise'
import { tcp } from '@libp2p/tcp'
import { yamux } from '@libp2p/yamux'
import { multiaddr } from '@multiformats/multiaddr'
import { createLibp2p } from 'libp2p'

const SENNIT = process.env.SENNIT
const PREFIXED = '/hash/prefixed/1'
const TO_END = '/hash/to-end/1'
const PERF = '/perf/1.0.0'
const run = promisify(execFile)
const sha256 = bytes => createHash('sha256').update(bytes).digest()

function prefix (bytes) {
    const out = []
    let size = bytes.length
    while (size > 0x7f) {
        out.push(size & 0x7f | 0x80)
        size >>>= 7
    }
    return Buffer.concat([Buffer.from([...out, size]), bytes])
}

/** The message, once it is whole; undefined before. */
function unprefix (bytes) {
    let size = 0
    for (let at = 0; at < bytes.length; at++) {
        size += (bytes[at] & 0x7f) * 2 ** (7 * at)
        if (bytes[at] & 0x80) continue
        return bytes.length < at + 1 + size ? undefined : bytes.subarray(at + 1, at + 1 + size)
    }
}

/**
 * Reads until `done` says what of the bytes it was, or to the stream's end. By its events: the
 * iterator of js-libp2p 3 gives nothing once the peer has closed, as ours has with its last byte.
 */
async function read (stream, done) {
    let bytes = Buffer.alloc(0)
    let failed
    stream.addEventListener('message', event => { bytes = Buffer.concat([bytes, event.data.subarray()]) })
    stream.addEventListener('close', event => { failed = event.error })
    for (;;) {
        const ended = stream.remoteWriteStatus !== 'writable' && stream.readBufferLength === 0
        const message = done(bytes, ended)
        if (message) return message
        if (failed || ended) throw failed ?? new Error('the stream ended before its message')
        await sleep(2)
    }
}
const readToEnd = stream => read(stream, (bytes, ended) => ended ? bytes : undefined)
const readPrefixed = stream => read(stream, unprefix)

async function write (stream, bytes) {
    for (let at = 0; at < bytes.length; at += 65536) {
        if (!stream.send(bytes.subarray(at, at + 65536))) await stream.onDrain()
    }
    await stream.close()
}

let node, directory, listener, address
before(async () => {
    directory = await mkdtemp(join(tmpdir(), 'sennit-request-'))
    node = await createLibp2p({
        addresses: { listen: ['/ip4/127.0.0.1/tcp/0'] },
        transports: [tcp()],
        // By default js takes five connections a second from one host.
        connectionManager: { inboundConnectionThreshold: 1000 },
        connectionEncrypters: [noise()],
        streamMuxers: [yamux()],
        services: { identify: identify() }
    })
    await node.handle(PREFIXED, async stream => write(stream, prefix(sha256(await readPrefixed(stream)))))
    await node.handle(TO_END, async stream => write(stream, sha256(await readToEnd(stream))))
    await node.handle(PERF, async stream => {
        const all = await readToEnd(stream)
        await write(stream, Buffer.alloc(Number(all.readBigUInt64BE())))
    })
    listener = spawn(SENNIT, ['p2p', 'listen', '--json', '--perf', '--echo', '/echo/1', '--echo', '/echo/2'],
        { stdio: ['ignore', 'pipe', 'inherit'] })
    const lines = createInterface({ input: listener.stdout })
    const [first] = await once(lines, 'line')
    address = multiaddr(JSON.parse(first).address)
})
after(async () => {
    const ended = once(listener, 'exit')
    listener.kill('SIGTERM')
    await ended
    await node.stop()
    await rm(directory, { recursive: true })
})

const ours = () => node.getMultiaddrs()[0].toString()

for (const [name, framing, size] of [[PREFIXED, 'prefixed', 3], [PREFIXED, 'prefixed', 0], [PREFIXED, 'prefixed', 900_000],
    [TO_END, 'to-end', 3], [TO_END, 'to-end', 900_000]]) {
    test(`sennit asks js ${size} bytes, ${framing}`, { timeout: 30_000 }, async () => {
        const bytes = randomBytes(size)
        const file = join(directory, 'question')
        await writeFile(file, bytes)
        const { stdout } = await run(SENNIT,
            ['p2p', 'request', ours(), name, '--framing', framing, '--file', file, '--json'])
        assert.equal(JSON.parse(stdout).bytes, sha256(bytes).toString('hex'))
    })
}

for (const size of [0, 3, 900_000]) {
    test(`js asks sennit ${size} bytes`, { timeout: 30_000 }, async () => {
        const bytes = randomBytes(size)
        const stream = await node.dialProtocol(address, '/echo/1')
        const [answer] = await Promise.all([readPrefixed(stream), write(stream, prefix(bytes))])
        assert.ok(answer.equals(bytes))
    })
}

test('js asks sennit eight things at once', { timeout: 30_000 }, async () => {
    await Promise.all(Array.from({ length: 8 }, async (_, i) => {
        const bytes = randomBytes(10_000 + i)
        const stream = await node.dialProtocol(address, i % 2 ? '/echo/1' : '/echo/2')
        const [answer] = await Promise.all([readPrefixed(stream), write(stream, prefix(bytes))])
        assert.ok(answer.equals(bytes))
    }))
})

test('js learns that sennit refuses a request that is too long', { timeout: 30_000 }, async () => {
    const stream = await node.dialProtocol(address, '/echo/1')
    stream.send(Buffer.from([0xff, 0xff, 0xff, 0x7f]))
    await assert.rejects(readPrefixed(stream))
})

test('sennit says so when js does not speak the protocol', { timeout: 30_000 }, async () => {
    await assert.rejects(run(SENNIT, ['p2p', 'request', ours(), '/no/such/1', '--hex', '00']), error => {
        assert.equal(error.code, 1)
        assert.match(error.stderr, /does not speak this protocol: \/no\/such\/1/)
        return true
    })
})

test('sennit measures js', { timeout: 60_000 }, async () => {
    const { stdout } = await run(SENNIT,
        ['p2p', 'perf', ours(), '--upload', '5MB', '--download', '5MB', '--json'])
    const last = JSON.parse(stdout.trim().split('\n').at(-1))
    assert.equal(last.type, 'final')
    assert.equal(last.uploadBytes, 5_000_000)
    assert.equal(last.downloadBytes, 5_000_000)
    assert.ok(last.timeSeconds > 0 && last.latencySeconds > 0)
})

test('js measures sennit', { timeout: 60_000 }, async () => {
    const stream = await node.dialProtocol(address, PERF)
    const wanted = Buffer.alloc(8)
    wanted.writeBigUInt64BE(5_000_000n)
    const [answer] = await Promise.all([
        readToEnd(stream), write(stream, Buffer.concat([wanted, Buffer.alloc(3_000_000)]))])
    assert.equal(answer.length, 5_000_000)
})
