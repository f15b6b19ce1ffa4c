import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import fc from 'fast-check'
import { resumeCheckpoint, writeCheckpoint } from '../../src/state/checkpoint.ts'
import type { FileSystem } from '../../src/state/file-system.ts'
import { openSeenLogs } from '../../src/state/seen-logs.ts'
import { crashAt, withFaults } from '../crash/faults.ts'
import { createMemoryDisk } from '../crash/memory-disk.ts'
import { CHECKPOINT } from './checkpoints.ts'

const GENERATION = 6

function hashOf(i: number): readonly [number, number] {
  return [Math.imul(i, 0x9e3779b1) >>> 0, (Math.imul(i, 0x85ebca6b) | 1) >>> 0]
}

/** `savedAt` is how many hashes were noted. */
async function checkpoint(fileSystem: FileSystem, seen: Awaited<ReturnType<typeof openSeenLogs>>, noted: number) {
  const logs = seen.snapshot()
  await seen.flush()
  await writeCheckpoint(fileSystem, '/state', { ...CHECKPOINT, savedAt: noted, logs })
  seen.saved(logs)
}

async function open(fileSystem: FileSystem) {
  const saved = await resumeCheckpoint(fileSystem, '/state')
  const seen = await openSeenLogs({
    fileSystem,
    directory: '/state',
    lengths: saved?.logs ?? {},
    generation: GENERATION,
  })
  return { seen, noted: saved?.savedAt ?? 0, logs: saved?.logs ?? {} }
}

describe('the logs of seen events', () => {
  test('take turns once a checkpoint no longer names the older one, and stay small', async () => {
    const disk = createMemoryDisk()
    disk.plant('/state/lock', '')
    const fileSystem = disk.boot()
    const { seen } = await open(fileSystem)
    const named: string[] = []
    for (let i = 0; i < 40; i++) {
      assert.equal(seen.has(...hashOf(i)), false)
      await checkpoint(fileSystem, seen, i + 1)
      named.push(
        Object.keys((await open(fileSystem)).logs)
          .map((name) => name.slice(5, 6))
          .join(''),
      )
    }
    const turns = named.filter((names, i) => names !== named[i - 1])
    assert.equal(turns.join(' '), 'a ab b ba a ab b ba a ab b ba')
    for (const [path, content] of disk.files()) {
      if (path.endsWith('.bin')) assert.ok(content.length <= 8 + 8 * GENERATION, `${path}: ${content.length}`)
    }
  })

  test('that are damaged or cut are refused', async () => {
    const disk = createMemoryDisk()
    disk.plant('/state/lock', '')
    const { seen } = await open(disk.boot())
    seen.has(1, 1)
    await checkpoint(disk.boot(), seen, 1)
    disk.plant('/state/seen-a.bin', Buffer.alloc(16))
    await assert.rejects(open(disk.boot()), /seen-a\.bin is damaged/)
    disk.plant('/state/seen-a.bin', Buffer.alloc(8))
    await assert.rejects(open(disk.boot()), /has 8 bytes, but the checkpoint knows 16/)
  })
})

test('after any crash the last generation before the checkpoint is known, and nothing that came after it', async () => {
  const life = fc.record({
    /** Events before each checkpoint. */
    events: fc.array(fc.integer({ min: 0, max: 9 }), { maxLength: 8 }),
    crashCall: fc.integer({ min: 1, max: 70 }),
    when: fc.constantFrom('before' as const, 'after' as const, 'torn' as const),
    losesPower: fc.boolean(),
  })
  await fc.assert(
    fc.asyncProperty(
      fc.array(life, { minLength: 1, maxLength: 6 }),
      fc.infiniteStream(fc.nat()),
      async (lives, picks) => {
        const disk = createMemoryDisk()
        disk.plant('/state/lock', '')
        let before = 0
        let most = 0
        for (const { events, crashCall, when, losesPower } of lives) {
          const { seen, noted } = await open(disk.boot())
          assert.ok(noted >= before)
          before = noted
          for (let i = Math.max(0, noted - GENERATION); i < noted; i++) assert.ok(seen.has(...hashOf(i)), `lost ${i}`)
          for (let i = noted; i < most; i++) assert.equal(seen.has(...hashOf(i)), false, `${i} was never saved`)
          await seen.close().catch(() => {})

          const { fileSystem, hasCrashed } = withFaults(disk.boot(), crashAt(crashCall, when))
          try {
            const again = await open(fileSystem)
            let next = noted
            for (const count of events) {
              for (let i = 0; i < count; i++) again.seen.has(...hashOf(next++))
              most = Math.max(most, next)
              await checkpoint(fileSystem, again.seen, next)
              before = next
            }
          } catch (error) {
            if (!hasCrashed()) throw error
          }
          if (losesPower) disk.powerFailure((options) => (picks.next().value as number) % options)
          else disk.kill()
        }
      },
    ),
    { numRuns: 500 },
  )
})
