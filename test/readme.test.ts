import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { describe, test } from 'node:test'
import { readMapping } from '../src/map/mapping-file.ts'
import { keysAt } from '../src/map/mapping-schema.ts'

const README = readFileSync(new URL('../../README.md', import.meta.url), 'utf8')

const examples = Array.from(README.matchAll(/```yaml\n([\s\S]*?)```/g), ([, text]) => text ?? '').filter(
  (text) => !/^# (GitHub|GitLab|Kubernetes)/.test(text),
)

describe('the mapping files in the README', () => {
  for (const [i, text] of examples.entries()) {
    test(`example ${i + 1} has no findings`, () => {
      assert.deepEqual(readMapping('README.md', text, null, { BRAZE2AMP_HMAC_KEY: 'key' }).findings, [])
    })
  }

  test('show every key', () => {
    for (const path of [[], ['identity'], ['events', 'x'], ['defaults'], ['properties'], ['hmac']]) {
      for (const key of keysAt(path))
        assert.ok(
          examples.some((text) => new RegExp(`\\b${key}:`).test(text)),
          key,
        )
    }
  })
})
