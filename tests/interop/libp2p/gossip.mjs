// SPDX-License-Identifier: MIT
// js-libp2p's gossipsub and `sennit p2p pub` and `sub` in one topic.
import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { createInterface } from 'node:readline'
import { setTimeout as sleep } from 'node:timers/promises'
import { after, before, describe, test } from 'node:test'

import { gossipsub, StrictNoSign, StrictSign } from '@libp2p/gossipsub'
import { identify } from '@libp2p/identify'
import { noise } from '@libp2p/noise'
import { tcp } from '@libp2p/tcp'
import { yamux } from '@libp2p/yamux'
import { multiaddr } from '@multiformats/multiaddr'
import { createLibp2p } from 'libp2p'

const SENNIT = process.env.SENNIT
const TOPIC = 'news'
const text = data => new TextDecoder().decode(data)
const bytes = string => new TextEncoder().encode(string)

const makeNode = policy => createLibp2p({
    addresses: { listen: ['/ip4/127.0.0.1/tcp/0'] },
    transports: [tcp()],
    // By default js takes five connections a second from one host.
    connectionManager: { inboundConnectionThreshold: 1000 },
    connectionEncrypters: [noise()],
    streamMuxers: [yamux()],
    services: {
        identify: identify(),
        pubsub: gossipsub({ globalSignaturePolicy: policy, allowPublishToZeroTopicPeers: true })
    }
})

/** Messages that a js node gets, in order. */
function inbox (node) {
    const got = []
    const waiting = []
    node.services.pubsub.addEventListener('message', event => {
        got.push(event.detail)
        while (waiting.length > 0 && got.length >= waiting[0].count) waiting.shift().resolve(got)
    })
    return {
        got,
        atLeast: count => got.length >= count
            ? Promise.resolve(got)
            : new Promise(resolve => waiting.push({ count, resolve }))
    }
}

/** A `sennit p2p` command and the events that it prints. */
class Command {
    constructor (...args) {
        this.process = spawn(SENNIT, ['p2p', ...args, '--json'], { stdio: ['ignore', 'pipe', 'inherit'] })
        this.ended = new Promise(resolve => this.process.once('exit', code => resolve(code)))
        this.lines = createInterface({ input: this.process.stdout })[Symbol.asyncIterator]()
    }

    async until (name) {
        for (;;) {
            const { value, done } = await this.lines.next()
            assert.ok(!done, `sennit ended before it said "${name}"`)
            const event = JSON.parse(value)
            if (event.event === name) return event
        }
    }

    async stop () {
        this.process.kill('SIGTERM')
        return this.ended
    }
}

const address = node => node.getMultiaddrs()[0].toString()

/** Until js counts `count` peers in the topic. */
async function subscribers (node, count) {
    for (let i = 0; i < 200; i++) {
        if (node.services.pubsub.getSubscribers(TOPIC).length >= count) return
        await sleep(50)
    }
    assert.fail(`js does not know ${count} peers in the topic`)
}

for (const [policy, flags] of [[StrictSign, []], [StrictNoSign, ['--no-sign']]]) {
    describe(policy, () => {
        let node, box
        before(async () => {
            node = await makeNode(policy)
            box = inbox(node)
            node.services.pubsub.subscribe(TOPIC)
        })
        after(async () => { await node.stop() })

        test('js hears what sennit publishes', { timeout: 30_000 }, async () => {
            const before = box.got.length
            const pub = new Command('pub', TOPIC, 'hello from sennit', '--peer', address(node), ...flags)
            const got = (await box.atLeast(before + 1)).at(-1)
            assert.equal(text(got.data), 'hello from sennit')
            assert.equal(got.type, policy === StrictSign ? 'signed' : 'unsigned')
            assert.equal(await pub.ended, 0)
        })

        test('sennit hears what js publishes, whoever dials', { timeout: 30_000 }, async () => {
            const dialling = new Command('sub', TOPIC, '--peer', address(node), ...flags)
            const listening = new Command('sub', TOPIC, '--listen', '/ip4/127.0.0.1/tcp/0', ...flags)
            const where = (await listening.until('listening')).address
            await node.dial(multiaddr(where))
            await subscribers(node, 2)
            await node.services.pubsub.publish(TOPIC, bytes('hello from js'))
            for (const sub of [dialling, listening]) {
                const message = await sub.until('message')
                assert.equal(Buffer.from(message.data, 'hex').toString(), 'hello from js')
                if (policy === StrictSign) assert.equal(message.author, node.peerId.toString())
                assert.equal(await sub.stop(), 0)
            }
        })

        test('messages of 200 KB go both ways', { timeout: 30_000 }, async () => {
            const sub = new Command('sub', TOPIC, '--peer', address(node), ...flags)
            await sub.until('connected')
            await subscribers(node, 1)
            const large = new Uint8Array(200_000).fill(7)
            await node.services.pubsub.publish(TOPIC, large)
            assert.equal((await sub.until('message')).size, large.length)
            await sub.stop()

            const before = box.got.length
            const pub = new Command('pub', TOPIC, '--size', '200000', '--peer', address(node), ...flags)
            assert.equal((await box.atLeast(before + 1)).at(-1).data.length, 200_000)
            assert.equal(await pub.ended, 0)
        })
    })
}

test('sennit passes on between two js nodes that do not know each other', { timeout: 60_000 }, async () => {
    const sub = new Command('sub', TOPIC, '--listen', '/ip4/127.0.0.1/tcp/0')
    const where = multiaddr((await sub.until('listening')).address)
    const [a, b] = await Promise.all([makeNode(StrictSign), makeNode(StrictSign)])
    try {
        const box = inbox(b)
        for (const node of [a, b]) {
            node.services.pubsub.subscribe(TOPIC)
            await node.dial(where)
            await subscribers(node, 1)
        }
        const count = 200
        for (let i = 0; i < count; i++) await a.services.pubsub.publish(TOPIC, bytes(`${i}`))
        const got = await box.atLeast(count)
        assert.deepEqual(new Set(got.map(one => text(one.data))), new Set(Array.from({ length: count }, (_, i) => `${i}`)))
        assert.ok(got.every(one => one.from.equals(a.peerId)))
        assert.deepEqual(b.getPeers().map(String), [where.toString().split('/p2p/')[1]])
    } finally {
        await Promise.all([a.stop(), b.stop(), sub.stop()])
    }
})

test('js goes on when sennit dies without a word, and hears the next one', { timeout: 30_000 }, async () => {
    const node = await makeNode(StrictSign)
    try {
        const box = inbox(node)
        node.services.pubsub.subscribe(TOPIC)
        const dies = new Command('sub', TOPIC, '--peer', address(node))
        await subscribers(node, 1)
        dies.process.kill('SIGKILL')
        await dies.ended
        const pub = new Command('pub', TOPIC, 'still here', '--peer', address(node))
        assert.equal(text((await box.atLeast(1)).at(-1).data), 'still here')
        assert.equal(await pub.ended, 0)
    } finally {
        await node.stop()
    }
})
