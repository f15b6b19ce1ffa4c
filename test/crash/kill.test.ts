import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { tries } from '../harness.ts'
import { KILL_FORMATS, killAgainAndAgain } from './kill-loop.ts'
import { killRetries } from './kill-retries.ts'

/** A few kills of each kind; `npm run kill` has fifty. */
describe('killed with SIGKILL again and again, an upload ends as one that was not', { concurrency: 3 }, () => {
  for (const format of KILL_FORMATS) {
    test(format, async () => {
      const { kills } = await killAgainAndAgain({ format, kills: tries(5, 3), seed: 5 })
      assert.ok(kills > 0, 'the upload was over before it could be killed')
    })
  }

  test('while lane files are written and read back', async () => {
    const { kills } = await killAgainAndAgain({ format: 'ndjson', kills: tries(5, 3), seed: 5, hot: true })
    assert.ok(kills > 0, 'the upload was over before it could be killed')
  })
})

test('killed with SIGKILL again and again, a retry of one reason ends as one that was not', async () => {
  const { kills, early } = await killRetries({ kills: 8, seed: 5 })
  assert.equal(kills, 8)
  assert.ok(early > 0, 'no kill met a retry of which no letter was read')
})
