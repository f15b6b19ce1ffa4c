import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createTraffic } from '../../src/upload/traffic.ts'

test('the best throughput is that of the ten best seconds, wherever they are in the run', () => {
  for (const burstAtS of [0, 7, 20]) {
    const traffic = createTraffic(0)
    for (let second = 0; second <= 40; second++) {
      traffic.accepted(30, second * 1000 + 500)
      if (second === burstAtS) traffic.accepted(10_000, second * 1000 + 600)
    }
    const { bestEventsPerSecond } = traffic.figures(40_900)
    assert.ok(bestEventsPerSecond >= 1000 && bestEventsPerSecond <= 1030, `${burstAtS} s: ${bestEventsPerSecond}`)
  }
})

test('of a run of a few seconds it is the average', () => {
  const traffic = createTraffic(0)
  traffic.accepted(500, 1000)
  assert.equal(traffic.figures(2000).bestEventsPerSecond, 250)
})
