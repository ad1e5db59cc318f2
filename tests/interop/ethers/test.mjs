// SPDX-License-Identifier: MIT
// What a user of ethers sees of a running node: SENNIT_RPC is its address, SENNIT_KEY a file with
// the hexadecimal key of an account that has money.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { JsonRpcProvider, Transaction, Wallet, parseEther } from 'ethers';

const RECEIVER = '0x5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e';
const REGISTRY = '0x0000000000000000000000000000000000001000';

const key = readFileSync(process.env.SENNIT_KEY, 'utf8').trim().replace(/^(0x)?/, '0x');
// Without ethers' cache: it answers an equal question for 250 ms by itself.
const provider = new JsonRpcProvider(process.env.SENNIT_RPC, undefined, {
  pollingInterval: 250,
  cacheTimeout: -1,
});
const wallet = new Wallet(key, provider);

/** The node's own words, wherever ethers has put them. */
async function refusal(promise) {
  try {
    await promise;
  } catch (error) {
    return { code: error.code, text: error.info?.error?.message ?? error.error?.message ?? error.message };
  }
  return assert.fail('was accepted');
}

test.after(() => provider.destroy());

test('the chain id is known and is not main net', async () => {
  const { chainId } = await provider.getNetwork();
  assert.ok(chainId > 1n);
});

test('fees are legacy', async () => {
  const fees = await provider.getFeeData();
  assert.ok(fees.gasPrice > 0n);
  assert.equal(fees.maxFeePerGas, null);
  assert.equal(fees.maxPriorityFeePerGas, null);
});

test('blocks are read by every tag, with and without transactions', async () => {
  for (const tag of ['latest', 'pending', 'safe', 'finalized', 'earliest']) {
    const block = await provider.getBlock(tag);
    assert.equal(block.hash.length, 66, tag);
    assert.equal(block.miner.length, 42, tag);
    assert.equal(block.baseFeePerGas, null, tag);
  }
  const head = await provider.getBlock('latest', true);
  const same = await provider.getBlock(head.hash);
  assert.equal(same.number, head.number);
  assert.equal((await provider.getBlock(head.number - 1)).hash, head.parentHash);
  assert.equal(await provider.getBlock(2 ** 40), null);
});

test('a transfer is signed as type 0, mined and accounted for', async () => {
  const value = parseEther('1.5');
  const nonce = await wallet.getNonce();
  const [had, receiverHad] = await Promise.all([
    provider.getBalance(wallet.address),
    provider.getBalance(RECEIVER),
  ]);
  const sent = await wallet.sendTransaction({ to: RECEIVER, value });
  assert.equal(sent.type, 0);
  assert.equal(sent.nonce, nonce);
  assert.equal(await wallet.getNonce('pending'), nonce + 1);

  const receipt = await sent.wait(1, 60_000);
  assert.equal(receipt.status, 1);
  assert.equal(receipt.gasUsed, 21_000n);
  assert.equal(receipt.from, wallet.address);
  assert.deepEqual(receipt.logs, []);

  const block = await provider.getBlock(receipt.blockNumber, true);
  assert.equal(block.hash, receipt.blockHash);
  assert.ok(block.transactions.includes(sent.hash));
  const read = await provider.getTransaction(sent.hash);
  assert.equal(read.value, value);
  assert.equal(read.blockNumber, receipt.blockNumber);
  // The same signature and bytes: so v, r and s came back in the right spelling.
  assert.equal(Transaction.from(read).hash, sent.hash);

  assert.equal(await wallet.getNonce(), nonce + 1);
  assert.equal(await provider.getBalance(RECEIVER), receiverHad + value);
  assert.equal(await provider.getBalance(wallet.address), had - value - receipt.gasUsed * receipt.gasPrice);

  const again = await wallet.signTransaction({
    to: RECEIVER, value: 1n, nonce, gasLimit: 21_000n, gasPrice: read.gasPrice,
    chainId: read.chainId, type: 0,
  });
  const late = await refusal(provider.broadcastTransaction(again));
  assert.equal(late.code, 'NONCE_EXPIRED');
  assert.match(late.text, /nonce too low/);
});

test('what cannot be paid is refused as insufficient funds', async () => {
  const poor = Wallet.createRandom(provider);
  const estimated = await refusal(poor.sendTransaction({ to: RECEIVER, value: 1n }));
  assert.equal(estimated.code, 'INSUFFICIENT_FUNDS');
  const { gasPrice } = await provider.getFeeData();
  const { chainId } = await provider.getNetwork();
  const raw = await poor.signTransaction({
    to: RECEIVER, value: 1n, nonce: 0, gasLimit: 21_000n, gasPrice, chainId, type: 0,
  });
  const sent = await refusal(provider.broadcastTransaction(raw));
  assert.equal(sent.code, 'INSUFFICIENT_FUNDS');
  assert.match(sent.text, /insufficient funds/);
});

test('what this chain does not take is refused with the reason', async () => {
  const { gasPrice } = await provider.getFeeData();
  const { chainId } = await provider.getNetwork();
  const nonce = await wallet.getNonce('pending');
  const common = { to: RECEIVER, value: 1n, nonce, gasLimit: 21_000n, chainId };
  const cases = [
    [{ ...common, type: 2, maxFeePerGas: gasPrice, maxPriorityFeePerGas: 1n }, /only legacy/],
    [{ ...common, type: 0, gasPrice, gasLimit: 20_999n }, /intrinsic gas too low/],
    [{ ...common, type: 0, gasPrice: gasPrice - 1n }, /underpriced/],
    [{ ...common, type: 0, gasPrice, chainId: chainId + 1n }, /chain/],
    [{ ...common, type: 0, gasPrice, to: null, data: '0x60' }, /creation/],
  ];
  for (const [tx, reason] of cases) {
    // Signed without the wallet's own checks, which would refuse some of these by themselves.
    const raw = Transaction.from(tx);
    raw.signature = wallet.signingKey.sign(raw.unsignedHash);
    const { text } = await refusal(provider.broadcastTransaction(raw.serialized));
    assert.match(text, reason);
  }
});

test('only system accounts have code, and they answer calls', async () => {
  assert.equal(await provider.getCode(REGISTRY), '0xfe');
  assert.equal(await provider.getCode(RECEIVER), '0x');
  assert.equal(await provider.call({ to: RECEIVER, data: '0x12345678' }), '0x');
});

test('methods that are not there are named so that libraries fall back', async () => {
  for (const method of ['eth_feeHistory', 'eth_maxPriorityFeePerGas', 'eth_createAccessList']) {
    const { text } = await refusal(provider.send(method, []));
    assert.match(text, new RegExp(`the method ${method} does not exist/is not available`));
  }
});
