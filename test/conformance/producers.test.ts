import assert from 'node:assert/strict'
import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { readFileInput } from './read.ts'

/** `fixtures/producers`: the same records as databases and libraries wrote them (`npm run producers -- --fixtures`). */

const ROOT = fileURLToPath(new URL('../../../fixtures/producers/', import.meta.url))

for (const producer of readdirSync(ROOT)) {
  for (const dialect of readdirSync(join(ROOT, producer))) {
    for (const name of readdirSync(join(ROOT, producer, dialect))) {
      test(`${producer} ${dialect} ${name} gives the events of our own NDJSON`, async () => {
        const type = name.slice(0, name.lastIndexOf('.'))
        const expected = await readFileInput(join(ROOT, 'ndjson/ndjson', `${type}.ndjson`))
        const found = await readFileInput(join(ROOT, producer, dialect, name))
        assert.deepEqual(found.details, [])
        assert.deepEqual(found.events, expected.events)
        assert.ok(found.events.length > 3)
      })
    }
  }
}
