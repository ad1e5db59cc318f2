// SPDX-License-Identifier: MIT
// js-libp2p and `sennit p2p listen --mdns` find each other over multicast, on this machine.
import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { createSocket } from 'node:dgram'
import { createInterface } from 'node:readline'
import { test } from 'node:test'

import { mdns } from '@libp2p/mdns'
import { noise } from '@libp2p/noise'
import { tcp } from '@libp2p/tcp'
import { yamux } from '@libp2p/yamux'
import { multiaddr } from '@multiformats/multiaddr'
import { createLibp2p } from 'libp2p'

const SENNIT = process.env.SENNIT
const GROUP = '224.0.0.251'
const PORT = 5353

/** Why multicast does not work here; undefined if a datagram to the group comes back. */
async function withoutMulticast () {
    const socket = createSocket({ type: 'udp4', reuseAddr: true })
    try {
        return await new Promise(resolve => {
            socket.once('error', error => resolve(error.message))
            const late = setTimeout(() => resolve('what is sent to the group does not come back'), 3000)
            socket.bind(PORT, () => {
                try {
                    socket.addMembership(GROUP)
                    // Not DNS, so that whoever else listens drops it.
                    const probe = `probe ${process.pid}`
                    socket.on('message', message => {
                        if (message.toString() === probe) { clearTimeout(late); resolve(undefined) }
                    })
                    socket.send(probe, PORT, GROUP, error => { if (error) resolve(error.message) })
                } catch (error) {
                    resolve(error.message)
                }
            })
        })
    } finally {
        socket.close()
    }
}

const why = await withoutMulticast()
const skip = why === undefined ? false : `no multicast here: ${why}`

const makeNode = () => createLibp2p({
    addresses: { listen: ['/ip4/0.0.0.0/tcp/0'] },
    transports: [tcp()],
    // By default js takes five connections a second from one host.
    connectionManager: { inboundConnectionThreshold: 1000 },
    connectionEncrypters: [noise()],
    streamMuxers: [yamux()],
    peerDiscovery: [mdns({ interval: 1000 })]
})

/** Starts `sennit`, and reads the events that it prints. */
function listen () {
    const child = spawn(SENNIT, ['p2p', 'listen', '/ip4/0.0.0.0/tcp/0', '--mdns', '--json'],
        { stdio: ['ignore', 'pipe', 'inherit'] })
    const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]()
    return {
        async until (wanted) {
            for (;;) {
                const { value, done } = await lines.next()
                assert.ok(!done, 'the listener ended before it said what was waited for')
                const event = JSON.parse(value)
                if (wanted(event)) return event
            }
        },
        async stop () {
            const ended = new Promise(resolve => child.once('exit', resolve))
            child.kill('SIGTERM')
            assert.equal(await ended, 0)
        }
    }
}

/** The addresses under which `node` hears of `peer`. */
const heard = (node, peer) => new Promise(resolve => node.addEventListener('peer:discovery', event => {
    if (event.detail.id.toString() === peer) resolve(event.detail.multiaddrs.map(String))
}))

test('js and sennit discover each other', { timeout: 60_000, skip }, async () => {
    const sennit = listen()
    let node
    try {
        const { address } = await sennit.until(event => event.event === 'listening')
        const [where, peer] = address.split('/p2p/')
        const port = where.split('/').at(-1)
        node = await makeNode()
        const ours = heard(node, peer)
        const theirs = await sennit.until(event =>
            event.event === 'discovered' && event.peer === node.peerId.toString())
        const announced = node.getMultiaddrs().map(String)
        assert.ok(theirs.addresses.length > 0)
        for (const one of theirs.addresses) assert.ok(announced.includes(one), `${one} of ${announced}`)

        const found = await ours
        assert.ok(found.length > 0)
        for (const one of found) {
            assert.match(one, new RegExp(`^/ip4/[0-9.]+/tcp/${port}$`))
            assert.ok(!one.includes('/0.0.0.0/'))
        }
        // What was discovered is where it is.
        const connection = await node.dial(found.map(one => multiaddr(`${one}/p2p/${peer}`)))
        assert.equal(connection.remotePeer.toString(), peer)
    } finally {
        await Promise.allSettled([node?.stop()])
        await sennit.stop()
    }
})

test('two sennits discover each other', { timeout: 60_000, skip }, async () => {
    const both = [listen(), listen()]
    try {
        const peers = await Promise.all(both.map(async one =>
            (await one.until(event => event.event === 'listening')).address.split('/p2p/')[1]))
        await Promise.all(both.map((one, i) => one.until(event =>
            event.event === 'discovered' && event.peer === peers[1 - i])))
    } finally {
        await Promise.all(both.map(one => one.stop()))
    }
})
