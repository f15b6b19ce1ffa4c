import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { readCheckpoint } from '../../src/state/checkpoint.ts'
import { createCheckpointing } from '../../src/state/checkpointing.ts'
import { failAt, PASS, withFaults } from '../crash/faults.ts'
import { createMemoryDisk } from '../crash/memory-disk.ts'
import { createVirtualTime } from '../upload/virtual-time.ts'
import { CHECKPOINT } from './checkpoints.ts'

function scene({ fateOf = () => PASS }: { fateOf?: Parameters<typeof withFaults>[1] } = {}) {
  const disk = createMemoryDisk()
  disk.plant('/state/lock', '')
  const clock = createVirtualTime()
  const { fileSystem } = withFaults(disk.boot(), fateOf)
  const steps: string[] = []
  const failures: unknown[] = []
  let settled = 0
  const checkpointing = createCheckpointing({
    fileSystem,
    directory: '/state',
    clock,
    takeSnapshot: () => {
      steps.push(`snapshot ${settled}`)
      return { ...CHECKPOINT, savedAt: settled }
    },
    flush: async (snapshot) => {
      steps.push(`flush ${snapshot.savedAt}`)
      return snapshot
    },
    saved: async ({ savedAt }) => {
      steps.push(`saved ${savedAt} at ${clock.now()}`)
    },
    onFailure: (error) => failures.push(error),
  })
  const settle = () => {
    settled += 1
    checkpointing.changed()
  }
  return { disk, clock, checkpointing, steps, failures, settle }
}

describe('a checkpoint', () => {
  test('is taken at once when asked for, and is durable before anything is done upon it', async () => {
    const { disk, checkpointing, steps } = scene()
    await checkpointing.save()
    assert.deepEqual(steps, ['snapshot 0', 'flush 0', 'saved 0 at 0'])
    disk.powerFailure(() => 1)
    assert.deepEqual(await readCheckpoint(disk.boot(), '/state'), { ...CHECKPOINT, savedAt: 0 })
  })

  test('follows what settled within two seconds, once for all of it', async () => {
    const { clock, checkpointing, steps, settle } = scene()
    await clock.run(
      (async () => {
        settle()
        settle()
        await clock.sleep(1999)
        settle()
        assert.deepEqual(steps, [])
        await clock.sleep(100)
        settle()
        await clock.sleep(5000)
      })(),
    )
    assert.deepEqual(
      steps.filter((step) => step.startsWith('saved')),
      ['saved 3 at 2000', 'saved 4 at 4099'],
    )
    await checkpointing.close()
  })

  test('is not taken by itself when nothing settles, nor after the close', async () => {
    const { clock, checkpointing, steps, settle } = scene()
    settle()
    await checkpointing.close()
    settle()
    await clock.run(clock.sleep(10_000))
    assert.deepEqual(steps, [])
    await checkpointing.save()
    assert.equal(steps.length, 3)
  })

  test('asked for while one is under way is of a later snapshot', async () => {
    const { checkpointing, steps, settle } = scene()
    const first = checkpointing.save()
    settle()
    const second = checkpointing.save()
    settle()
    await Promise.all([first, second])
    assert.deepEqual(
      steps.filter((step) => step.startsWith('snapshot')),
      ['snapshot 0', 'snapshot 2'],
    )
    await checkpointing.close()
  })

  test('that fails is told to who waits, or else reported; nothing is done upon it, and the next may succeed', async () => {
    const { disk, clock, checkpointing, steps, failures, settle } = scene({
      fateOf: failAt(3, 'ENOSPC'),
    })
    await assert.rejects(checkpointing.save(), { code: 'ENOSPC' })
    assert.equal(steps.includes('saved 0 at 0'), false)
    assert.equal(await readCheckpoint(disk.boot(), '/state'), null)
    await checkpointing.save()
    assert.equal((await readCheckpoint(disk.boot(), '/state'))?.savedAt, 0)
    const failing = scene({ fateOf: failAt(2, 'EIO') })
    failing.settle()
    await failing.clock.run(failing.clock.sleep(3000))
    assert.deepEqual(
      failing.failures.map((error) => (error as NodeJS.ErrnoException).code),
      ['EIO'],
    )
    await failing.checkpointing.close()
    assert.deepEqual(failures, [])
    settle()
    await clock.run(checkpointing.close())
  })
})
