// SPDX-License-Identifier: MIT
// js-libp2p meets `sennit p2p`: noise, yamux, identify and ping, whoever dials.
import assert from 'node:assert/strict'
import { execFile, spawn } from 'node:child_process'
import { createInterface } from 'node:readline'
import { after, before, test } from 'node:test'
import { promisify } from 'node:util'

import { identify, identifyPush } from '@libp2p/identify'
import { noise } from '@libp2p/noise'
import { ping } from '@libp2p/ping'
import { tcp } from '@libp2p/tcp'
import { yamux } from '@libp2p/yamux'
import { multiaddr } from '@multiformats/multiaddr'
import { createLibp2p } from 'libp2p'

const SENNIT = process.env.SENNIT
const run = promisify(execFile)

const makeNode = services => createLibp2p({
    addresses: { listen: ['/ip4/127.0.0.1/tcp/0'] },
    transports: [tcp()],
    // By default js takes five connections a second from one host.
    connectionManager: { inboundConnectionThreshold: 1000 },
    connectionEncrypters: [noise()],
    streamMuxers: [yamux()],
    services
})

/** The events of `sennit p2p listen --json`, one after the other. */
class Listener {
    constructor () {
        this.process = spawn(SENNIT, ['p2p', 'listen', '--json'], { stdio: ['ignore', 'pipe', 'inherit'] })
        this.lines = createInterface({ input: this.process.stdout })[Symbol.asyncIterator]()
    }

    async until (name) {
        for (;;) {
            const { value, done } = await this.lines.next()
            assert.ok(!done, `the listener ended before it said "${name}"`)
            const event = JSON.parse(value)
            if (event.event === name) return event
        }
    }

    async stop () {
        const ended = new Promise(resolve => this.process.once('exit', resolve))
        this.process.kill('SIGTERM')
        return ended
    }
}

let node
before(async () => { node = await makeNode({ identify: identify(), ping: ping() }) })
after(async () => { await node.stop() })

test('sennit dials js and learns who it is', { timeout: 30_000 }, async () => {
    const address = node.getMultiaddrs()[0].toString()
    const { stdout } = await run(SENNIT, ['p2p', 'dial', address, '--json'])
    const said = JSON.parse(stdout)
    assert.equal(said.peer, node.peerId.toString())
    assert.match(said.agent, /^js-libp2p\/3/)
    assert.ok(said.protocols.includes('/ipfs/ping/1.0.0'))
    assert.ok(said.earlyMuxer)
})

test('sennit pings js', { timeout: 30_000 }, async () => {
    const address = node.getMultiaddrs()[0].toString()
    const { stdout } = await run(SENNIT, ['p2p', 'ping', address, '--count', '20', '--interval', '0', '--json'])
    const answers = stdout.trim().split('\n').map(line => JSON.parse(line))
    assert.equal(answers.length, 20)
    assert.ok(answers.every(answer => answer.ms > 0))
})

test('sennit refuses a js node that is somebody else', { timeout: 30_000 }, async () => {
    const other = '12D3KooWEyoppNCUx8Yx66oV9fJnriXwCcXwDDUA2kj6vnc6iDEp'
    const address = node.getMultiaddrs()[0].toString().replace(/\/p2p\/.*/, `/p2p/${other}`)
    await assert.rejects(run(SENNIT, ['p2p', 'dial', address]), error => {
        assert.equal(error.code, 1)
        assert.match(error.stderr, /another peer than expected/)
        return true
    })
})

test('js dials sennit, identifies it, pings it, and leaves', { timeout: 30_000 }, async () => {
    const listener = new Listener()
    try {
        const { address } = await listener.until('listening')
        const heard = new Promise(resolve => node.addEventListener(
            'peer:identify', event => resolve(event.detail), { once: true }))
        const connection = await node.dial(multiaddr(address))
        assert.equal(connection.remotePeer.toString(), address.split('/p2p/')[1])
        assert.equal((await listener.until('connected')).peer, node.peerId.toString())
        assert.match((await listener.until('identified')).agent, /^js-libp2p\/3/)
        const said = await heard
        assert.match(said.agentVersion, /^sennit\//)
        assert.deepEqual(said.protocols, ['/ipfs/id/1.0.0', '/ipfs/id/push/1.0.0', '/ipfs/ping/1.0.0'])
        for (let i = 0; i < 20; i++) assert.ok(await node.services.ping.ping(multiaddr(address)) >= 0)
        await connection.close()
        await listener.until('disconnected')
    } finally {
        assert.equal(await listener.stop(), 0)
    }
})

test('js pushes what it speaks from now on', { timeout: 30_000 }, async () => {
    const listener = new Listener()
    const changing = await makeNode({ identify: identify(), push: identifyPush() })
    try {
        const { address } = await listener.until('listening')
        await changing.dial(multiaddr(address))
        assert.ok(!(await listener.until('identified')).protocols.includes('/new/1.0.0'))
        await changing.handle('/new/1.0.0', () => {})
        for (;;) {
            const said = await listener.until('identified')
            if (said.protocols.includes('/new/1.0.0')) break
        }
    } finally {
        await Promise.all([changing.stop(), listener.stop()])
    }
})

test('js learns that sennit does not speak a protocol, and goes on', { timeout: 30_000 }, async () => {
    const listener = new Listener()
    try {
        const { address } = await listener.until('listening')
        const connection = await node.dial(multiaddr(address))
        await assert.rejects(connection.newStream(['/no/such/1.0.0', '/nor/this/1.0.0']))
        assert.ok(await node.services.ping.ping(multiaddr(address)) >= 0)
    } finally {
        await listener.stop()
    }
})

test('js proposes several protocols, and gets the one that sennit speaks', { timeout: 30_000 }, async () => {
    const listener = new Listener()
    try {
        const { address } = await listener.until('listening')
        const connection = await node.dial(multiaddr(address))
        const stream = await connection.newStream(['/no/such/1.0.0', '/nor/this/1.0.0', '/ipfs/ping/1.0.0'])
        assert.equal(stream.protocol, '/ipfs/ping/1.0.0')
        const echo = new Promise(resolve => stream.addEventListener(
            'message', event => resolve(event.data.subarray()), { once: true }))
        const said = new Uint8Array(32).fill(7)
        stream.send(said)
        assert.deepEqual(new Uint8Array(await echo), said)
        await stream.close()
    } finally {
        await listener.stop()
    }
})

test('js opens sixty streams at once', { timeout: 60_000 }, async () => {
    const listener = new Listener()
    // Without services of its own: js allows 64 streams of a protocol that it does not register.
    const plain = await makeNode({})
    try {
        const { address } = await listener.until('listening')
        const connection = await plain.dial(multiaddr(address))
        const opened = await Promise.all(Array.from({ length: 60 }, async () => {
            const stream = await connection.newStream('/ipfs/id/1.0.0')
            const bytes = await new Promise(resolve => stream.addEventListener(
                'message', event => resolve(event.data.byteLength), { once: true }))
            await stream.close()
            return bytes
        }))
        assert.equal(opened.length, 60)
        assert.ok(opened.every(bytes => bytes > 50))
    } finally {
        await Promise.all([plain.stop(), listener.stop()])
    }
})
