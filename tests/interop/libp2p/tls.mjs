// SPDX-License-Identifier: MIT
// js-libp2p meets `sennit p2p` over TLS, whoever dials, and where one of them does not speak it.
import assert from 'node:assert/strict'
import { execFile, spawn } from 'node:child_process'
import { createInterface } from 'node:readline'
import { after, before, test } from 'node:test'
import { promisify } from 'node:util'

import { identify } from '@libp2p/identify'
import { noise } from '@libp2p/noise'
import { ping } from '@libp2p/ping'
import { tcp } from '@libp2p/tcp'
import { tls } from '@libp2p/tls'
import { yamux } from '@libp2p/yamux'
import { multiaddr } from '@multiformats/multiaddr'
import { createLibp2p } from 'libp2p'

const SENNIT = process.env.SENNIT
const OTHER = '12D3KooWEyoppNCUx8Yx66oV9fJnriXwCcXwDDUA2kj6vnc6iDEp'
const run = promisify(execFile)

const makeNode = securities => createLibp2p({
    addresses: { listen: ['/ip4/127.0.0.1/tcp/0'] },
    transports: [tcp()],
    // By default js takes five connections a second from one host.
    connectionManager: { inboundConnectionThreshold: 1000 },
    connectionEncrypters: securities,
    streamMuxers: [yamux()],
    services: { identify: identify(), ping: ping() }
})
const address = node => node.getMultiaddrs()[0].toString()

/** `sennit p2p listen` and what it says, for as long as `use` takes. */
async function withListener (args, use) {
    const child = spawn(SENNIT, ['p2p', 'listen', '--json', ...args], { stdio: ['ignore', 'pipe', 'inherit'] })
    const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]()
    const until = async name => {
        for (;;) {
            const { value, done } = await lines.next()
            assert.ok(!done, `the listener ended before it said "${name}"`)
            const event = JSON.parse(value)
            if (event.event === name) return event
        }
    }
    try {
        return await use((await until('listening')).address, until)
    } finally {
        const ended = new Promise(resolve => child.once('exit', resolve))
        child.kill('SIGTERM')
        assert.equal(await ended, 0)
    }
}

let onlyTls, both, onlyNoise
before(async () => {
    onlyTls = await makeNode([tls()])
    both = await makeNode([noise(), tls()])
    onlyNoise = await makeNode([noise()])
})
after(async () => { await Promise.all([onlyTls, both, onlyNoise].map(node => node.stop())) })

test('sennit dials js over TLS', { timeout: 30_000 }, async () => {
    for (const node of [onlyTls, both]) {
        const { stdout } = await run(SENNIT, ['p2p', 'dial', address(node), '--security', 'tls', '--json'])
        const said = JSON.parse(stdout)
        assert.equal(said.security, '/tls/1.0.0')
        assert.equal(said.peer, node.peerId.toString())
        assert.match(said.agent, /^js-libp2p\/3/)
        assert.ok(said.earlyMuxer)
    }
})

test('sennit says how the connection is secured', { timeout: 30_000 }, async () => {
    const { stdout } = await run(SENNIT, ['p2p', 'dial', address(both)])
    assert.match(stdout, /^security +\/noise$/m)
    const { stdout: over } = await run(SENNIT, ['p2p', 'dial', address(both), '--security', 'tls'])
    assert.match(over, /^security +\/tls\/1\.0\.0$/m)
})

test('sennit pings js over TLS', { timeout: 30_000 }, async () => {
    const { stdout } = await run(SENNIT, ['p2p', 'ping', address(onlyTls), '--security', 'tls',
        '--count', '20', '--interval', '0', '--json'])
    assert.equal(stdout.trim().split('\n').length, 20)
})

test('sennit, told nothing, reaches js that speaks TLS only', { timeout: 30_000 }, async () => {
    const { stdout } = await run(SENNIT, ['p2p', 'dial', address(onlyTls), '--json'])
    assert.equal(JSON.parse(stdout).security, '/tls/1.0.0')
})

test('sennit says that js does not speak TLS', { timeout: 30_000 }, async () => {
    await assert.rejects(run(SENNIT, ['p2p', 'dial', address(onlyNoise), '--security', 'tls']),
        error => {
            assert.match(error.stderr, /negotiating security/)
            return true
        })
})

test('sennit refuses a js node that is somebody else', { timeout: 30_000 }, async () => {
    const other = address(onlyTls).replace(/\/p2p\/.*/, `/p2p/${OTHER}`)
    await assert.rejects(run(SENNIT, ['p2p', 'dial', other, '--security', 'tls']), error => {
        assert.match(error.stderr, /another peer than expected/)
        return true
    })
})

test('js dials sennit over TLS, identifies it and pings it', { timeout: 30_000 }, async () => {
    for (const args of [[], ['--security', 'tls']]) {
        await withListener(args, async (where, until) => {
            const connection = await onlyTls.dial(multiaddr(where))
            assert.equal(connection.encryption, '/tls/1.0.0')
            assert.equal(connection.remotePeer.toString(), where.split('/p2p/')[1])
            const up = await until('connected')
            assert.equal(up.peer, onlyTls.peerId.toString())
            assert.equal(up.security, '/tls/1.0.0')
            assert.match((await until('identified')).agent, /^js-libp2p\/3/)
            for (let i = 0; i < 20; i++) assert.ok(await onlyTls.services.ping.ping(multiaddr(where)) >= 0)
            await connection.close()
            await until('disconnected')
        })
    }
})

test('js proposes noise in vain, then TLS', { timeout: 30_000 }, async () => {
    await withListener(['--security', 'tls'], async where => {
        const connection = await both.dial(multiaddr(where))
        assert.equal(connection.encryption, '/tls/1.0.0')
    })
})

test('js does not take sennit for somebody else', { timeout: 30_000 }, async () => {
    await withListener([], async where => {
        await assert.rejects(onlyTls.dial(multiaddr(where.replace(/\/p2p\/.*/, `/p2p/${OTHER}`))))
    })
})
