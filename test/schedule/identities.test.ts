import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createIdentities } from '../../src/schedule/identities.ts'
import { charged, createRate } from '../../src/schedule/rate.ts'

test('an identity released as it leaves the queue of those to be forgotten is forgotten once', () => {
  const rate = createRate(30, undefined, 1000)
  const identities = createIdentities(rate, 0, () => null)
  const first = identities.add('device', 'first')
  first.references = 1
  first.fullAtMs = charged(rate, 0, 5000)
  identities.release(first, 5001)
  first.references = 1
  identities.release(first, 6000)
  assert.equal(identities.size(), 0)
  assert.notEqual(identities.add('device', 'one'), identities.add('device', 'other'))
})

test('thousands of identities are found, each by its kind and id, and are gone when removed', () => {
  const rate = createRate(30, undefined, 1000)
  const identities = createIdentities(rate, 0, () => null)
  for (let at = 0; at < 5000; at += 1) {
    identities.add('user', `${at}`).references = 1
    identities.add('device', `${at}`).references = 1
  }
  for (let at = 0; at < 5000; at += 1) {
    const user = identities.find('user', `${at}`)
    assert.ok(user?.id === `${at}` && user.kind === 'user')
    if (at % 3 > 0) identities.release(user, 60_000)
  }
  for (let at = 0; at < 5000; at += 1) {
    assert.equal(identities.find('user', `${at}`) === undefined, at % 3 > 0)
    assert.ok(identities.find('device', `${at}`) !== undefined)
  }
  assert.equal(identities.size(), 5000 + 1667)
})

test('at the start one that has spent next to nothing is forgotten, and gets no token back by that', () => {
  for (const [limit, remembered] of [
    [1e7, 0],
    [30, 1],
  ] as const) {
    const rate = createRate(limit, undefined, 1000)
    const identities = createIdentities(rate, 0, () => null)
    const first = identities.add('user', 'u')
    first.references = 1
    first.fullAtMs = charged(rate, first.fullAtMs, 5)
    const spentUntilMs = first.fullAtMs
    identities.release(first, 5)
    assert.equal(identities.size(), remembered, `${limit} events/s`)
    const again = identities.find('user', 'u') ?? identities.add('user', 'u')
    assert.ok(again.fullAtMs >= spentUntilMs, `${limit} events/s`)
  }
})
