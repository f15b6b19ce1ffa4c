import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createTraffic } from '../../src/upload/traffic.ts'

test('the best throughput is that of the ten best seconds, wherever they are in the run', () => {
  for (const burstAtS of [0, 7, 20]) {
    let nowMs = 0
    const traffic = createTraffic({ now: () => nowMs })
    for (let second = 0; second <= 40; second++) {
      nowMs = second * 1000 + 500
      traffic.accepted(30)
      if (second === burstAtS) traffic.accepted(10_000)
    }
    const { bestEventsPerSecond } = traffic.figures()
    assert.ok(bestEventsPerSecond >= 1000 && bestEventsPerSecond <= 1030, `${burstAtS} s: ${bestEventsPerSecond}`)
  }
})

test('of a run of a few seconds it is the average', () => {
  let nowMs = 0
  const traffic = createTraffic({ now: () => nowMs })
  nowMs = 1000
  traffic.accepted(500)
  nowMs = 2000
  assert.equal(traffic.figures().bestEventsPerSecond, 250)
})
