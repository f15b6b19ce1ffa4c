import assert from 'node:assert/strict'
import { test } from 'node:test'
import { SCENARIOS } from './scenarios.ts'

/** Fixed, as the figures are asserted closely; `SEED=…` tries another. */
const SEED = Number(process.env['SEED'] ?? 1)

for (const { name, required, testScale, run } of SCENARIOS) {
  test(`${name}: ${required}`, (t) => {
    t.diagnostic(`SEED=${SEED}, ${testScale} of the full size`)
    const { outcome, figures } = run(testScale, SEED)
    assert.deepEqual(outcome.broken, [])
    for (const { name, measured, atMost } of figures) {
      t.diagnostic(`${name}: ${Number(measured.toFixed(4))} (at most ${atMost})`)
      assert.ok(measured <= atMost, `${name}: ${measured}, at most ${atMost}`)
    }
  })
}
