// SPDX-License-Identifier: MIT
// js-libp2p's Kademlia and sennit find peers through each other.
import assert from 'node:assert/strict'
import { execFile, spawn } from 'node:child_process'
import { createInterface } from 'node:readline'
import { setTimeout as sleep } from 'node:timers/promises'
import { after, before, test } from 'node:test'
import { promisify } from 'node:util'

import { identify } from '@libp2p/identify'
import { kadDHT, passthroughMapper } from '@libp2p/kad-dht'
import { noise } from '@libp2p/noise'
import { ping } from '@libp2p/ping'
import { tcp } from '@libp2p/tcp'
import { yamux } from '@libp2p/yamux'
import { multiaddr } from '@multiformats/multiaddr'
import { createLibp2p } from 'libp2p'

const SENNIT = process.env.SENNIT
const PROTOCOL = '/sennit-interop/kad/1.0.0'
const run = promisify(execFile)

const makeNode = () => createLibp2p({
    addresses: { listen: ['/ip4/127.0.0.1/tcp/0'] },
    transports: [tcp()],
    // By default js takes five connections a second from one host.
    connectionManager: { inboundConnectionThreshold: 1000 },
    connectionEncrypters: [noise()],
    streamMuxers: [yamux()],
    services: {
        identify: identify(),
        ping: ping(),
        dht: kadDHT({ protocol: PROTOCOL, clientMode: false, peerInfoMapper: passthroughMapper })
    }
})
const address = node => node.getMultiaddrs()[0].toString()

/** `sennit p2p listen --kad`, and the events that it prints. */
class Listener {
    constructor (...args) {
        this.process = spawn(SENNIT, ['p2p', 'listen', `--kad=${PROTOCOL}`, '--json', ...args],
            { stdio: ['ignore', 'pipe', 'inherit'] })
        this.ended = new Promise(resolve => this.process.once('exit', code => resolve(code)))
        this.events = []
        createInterface({ input: this.process.stdout }).on('line', line => this.events.push(JSON.parse(line)))
    }

    async until (matches) {
        for (let i = 0; i < 400; i++) {
            const event = this.events.find(matches)
            if (event) return event
            await sleep(50)
        }
        assert.fail(`sennit did not say it: ${JSON.stringify(this.events)}`)
    }

    knows (node) {
        return this.until(event => event.event === 'routing' && event.peer === node.peerId.toString() && event.present)
    }

    async address () {
        return (await this.until(event => event.event === 'listening')).address
    }

    async stop () {
        this.process.kill('SIGTERM')
        return this.ended
    }
}

async function find (id, peer) {
    const { stdout } = await run(SENNIT,
        ['p2p', 'find', id.toString(), '--peer', peer, '--protocol', PROTOCOL, '--json'])
    return JSON.parse(stdout)
}

/** Until js has sennit's id in its table. */
async function inTable (node, id) {
    for (let i = 0; i < 400; i++) {
        for await (const event of node.services.dht.getClosestPeers(new TextEncoder().encode('x'))) {
            if (event.name === 'PEER_RESPONSE' && event.from.toString() === id) return
        }
        await sleep(50)
    }
    assert.fail('sennit did not come into the table of js')
}

let sennit, where, a, b
before(async () => {
    sennit = new Listener()
    where = await sennit.address()
    ;[a, b] = await Promise.all([makeNode(), makeNode()])
    for (const node of [a, b]) {
        await node.dial(multiaddr(where))
        await sennit.knows(node)
    }
})
after(async () => {
    await Promise.all([a.stop(), b.stop(), sennit.stop()])
})

test('sennit takes js nodes into its table, and js takes sennit', { timeout: 60_000 }, async () => {
    await inTable(a, where.split('/p2p/')[1])
})

test('js finds a js peer through sennit', { timeout: 60_000 }, async () => {
    const asking = await makeNode()
    try {
        await asking.dial(multiaddr(where)) // the only one it knows
        await inTable(asking, where.split('/p2p/')[1])
        const found = await asking.peerRouting.findPeer(b.peerId, { useCache: false })
        assert.ok(found.id.equals(b.peerId))
        const addresses = found.multiaddrs.map(String)
        assert.ok(addresses.some(one => address(b).startsWith(one)), addresses.join())
    } finally {
        await asking.stop()
    }
})

test('sennit finds a js peer through sennit', { timeout: 60_000 }, async () => {
    const found = await find(b.peerId, where)
    assert.equal(found.answered, true)
    assert.ok(found.addresses.includes(address(b)))
})

test('sennit finds a js peer through another js node', { timeout: 60_000 }, async () => {
    const [c, d] = await Promise.all([makeNode(), makeNode()])
    try {
        await d.dial(multiaddr(address(c)))
        // Not before js has verified the other one.
        let found
        for (let i = 0; i < 100 && !found; i++) {
            found = await find(d.peerId, address(c)).catch(error => assert.match(error.stderr, /nobody knows/))
            if (!found) await sleep(100)
        }
        assert.ok(found)
        assert.equal(found.answered, true)
        assert.deepEqual(found.addresses, [address(d)])
        assert.ok(found.requests >= 2)
    } finally {
        await Promise.all([c.stop(), d.stop()])
    }
})

test('a sennit that joins through js is found through it', { timeout: 60_000 }, async () => {
    const c = await makeNode()
    const joining = new Listener('--peer', address(c))
    try {
        const id = (await joining.address()).split('/p2p/')[1]
        await joining.knows(c)
        await inTable(c, id)
        const found = await find(id, address(c))
        assert.equal(found.answered, true)
        assert.deepEqual(found.addresses, [await joining.address()])
    } finally {
        await Promise.all([c.stop(), joining.stop()])
    }
})

test('sennit says so when nobody knows a peer, and when a node speaks another protocol', { timeout: 60_000 }, async () => {
    const nobody = '12D3KooWDpJ7As7BWAwRMfu1VU2WCqNjvq387JEYKDBj4kx6nXTN'
    await assert.rejects(find(nobody, address(a)), error => {
        assert.equal(error.code, 1)
        assert.match(error.stderr, /nobody knows this peer/)
        return true
    })
    await assert.rejects(run(SENNIT, ['p2p', 'find', nobody, '--peer', address(a)]), error => {
        assert.equal(error.code, 1)
        assert.match(error.stderr, /is --protocol right/)
        return true
    })
})
