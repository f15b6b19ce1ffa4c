import assert from 'node:assert/strict'
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { entryOf, randomOf, recordOf } from '../bench/generate.ts'
import { braze2amp, someOf, temporaryDirectory, tries } from '../harness.ts'
import type { Records } from '../shapes/records.ts'
import { gzipped, SHAPES } from '../shapes/shapes.ts'

/** Types whose fields are of every kind: floats, booleans, lists, the customer's own properties. */
const TYPES = [
  'users.behaviors.CustomEvent',
  'users.behaviors.Purchase',
  'users.messages.email.Click',
  'users.behaviors.app.SessionEnd',
]
const RECORDS_OF_TYPE = tries(750, 250)

const data: readonly Records[] = TYPES.map((type, seed) => {
  const entry = entryOf(type)
  const random = randomOf(seed)
  return { entry, records: Array.from({ length: RECORDS_OF_TYPE }, (_, i) => recordOf(entry, random, i)) }
})

async function eventsOf(words: readonly string[], stdin: string | Uint8Array = ''): Promise<string> {
  const { code, stdout, stderr } = await braze2amp(['replay', ...words, '--dry-run', '--quiet'], { stdin })
  assert.equal(code, 0, stderr)
  return stdout.split('\n').toSorted().join('\n')
}

/** Writes the records in one shape, a file a type. */
function folderOf(name: string, extension: string, write: (records: Records) => Uint8Array): string {
  const root = join(temporaryDirectory(), name)
  mkdirSync(root)
  for (const records of data) writeFileSync(join(root, `${records.entry.event_type}.${extension}`), write(records))
  return root
}

test('events give the same bytes in every shape, from files, gzipped ones and standard input', async () => {
  const [first] = SHAPES
  assert.ok(first)
  const expected = await eventsOf([folderOf(first.name, first.extension, first.write)])
  assert.equal(expected.trim().split('\n').length, TYPES.length * RECORDS_OF_TYPE)
  const [records] = data as [Records]
  const expectedOfOne = await eventsOf(['-', '--event-type', records.entry.event_type], first.write(records))
  for (const { name, extension, write } of SHAPES) {
    const ways = [
      async () => assert.equal(await eventsOf([folderOf(name, extension, write)]), expected, name),
      async () => {
        const zipped = folderOf(`${name}.gz`, `${extension}.gz`, (one) => gzipped(Buffer.from(write(one)), 3))
        assert.equal(await eventsOf([zipped]), expected, `${name}, gzipped`)
      },
      async () => {
        const piped = await eventsOf(['-', '--event-type', records.entry.event_type], write(records))
        assert.equal(piped, expectedOfOne, `${name}, standard input`)
      },
    ]
    await Promise.all(someOf(ways, name === first.name ? 1 : 3).map((way) => way()))
  }
})
