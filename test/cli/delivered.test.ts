import assert from 'node:assert/strict'
import { appendFileSync, cpSync, existsSync, readFileSync, renameSync, rmSync, utimesSync } from 'node:fs'
import { join } from 'node:path'
import { after, describe, test } from 'node:test'
import { startEmulator } from '../../src/emulator/server.ts'
import { temporaryDirectory } from '../harness.ts'
import { records } from '../upload/harness.ts'
import { exportsOf, KEY, OPENS, replay, replayed, textOf, unlimited, write } from './upload-harness.ts'

/** Files that were delivered, and come again (state/README.md §4). */

const emulator = await startEmulator(unlimited)
after(() => emulator.close())
const { url } = emulator

const original = exportsOf(records(10))
await replayed(0, { cwd: original, url })

/** A directory whose only export was delivered. */
function delivered(): string {
  const cwd = temporaryDirectory()
  // Only with its times is the file untouched.
  cpSync(original, cwd, { recursive: true, preserveTimestamps: true })
  return cwd
}

const other = ['--state', 'other']

/** Runs, and says how many events came to the emulator. */
async function sentBy(act: () => Promise<unknown>): Promise<number> {
  const { accepted } = emulator.stats()
  await act()
  return emulator.stats().accepted - accepted
}

describe('the same command after completion', () => {
  test('says that nothing is new, sends nothing, exits 0', async () => {
    const cwd = delivered()
    const sent = await sentBy(async () => {
      const { stderr, summary } = await replayed(0, { cwd, url })
      assert.match(stderr, /nothing new/)
      assert.deepEqual([summary.read, summary.accepted, summary.resumed], [10, 10, true])
    })
    assert.equal(sent, 0)
  })

  test('exits 3 while dead letters remain', async () => {
    const cwd = exportsOf([...records(3), '{"id":"broken'])
    await replayed(3, { cwd, url })
    const { stderr, summary } = await replayed(3, { cwd, url })
    assert.match(stderr, /nothing new/)
    assert.deepEqual([summary.read, summary.rejected.total], [4, 1])
  })

  for (const [name, date] of [
    ['before', '2020-01-01'],
    ['behind', '2030-01-01'],
  ] as const) {
    test(`picks up new files that sort ${name} the others`, async () => {
      const cwd = delivered()
      write(
        cwd,
        `exports/date=${date}/users.messages.email.Click.ndjson`,
        textOf(records(4, (i) => ({ id: `new${i}` }))),
      )
      const sent = await sentBy(async () => {
        const { stderr, summary } = await replayed(0, { cwd, url })
        assert.doesNotMatch(stderr, /nothing new/)
        assert.deepEqual([summary.read, summary.accepted], [14, 14])
      })
      assert.equal(sent, 4)
    })
  }

  test('knows the file when it was touched, renamed, moved, or is given by another path', async () => {
    const cwd = delivered()
    const sent = await sentBy(async () => {
      utimesSync(join(cwd, OPENS), new Date(), new Date())
      await replayed(0, { cwd, url })
      await replayed(0, { cwd, url, paths: [join(cwd, 'exports')] })
      await replayed(0, { cwd, url, paths: [`./${OPENS}`] })
      renameSync(join(cwd, OPENS), join(cwd, 'exports', 'renamed.ndjson'))
      await replayed(0, { cwd, url })
      renameSync(join(cwd, 'exports'), join(cwd, 'moved'))
      const { summary, stderr } = await replayed(0, { cwd, url, paths: ['moved'] })
      assert.match(stderr, /nothing new/)
      assert.equal(summary.read, 10)
    })
    assert.equal(sent, 0)
  })

  test('reads only the new records of a file that grew', async () => {
    const cwd = delivered()
    appendFileSync(join(cwd, OPENS), textOf(records(4, (i) => ({ id: `more${i}` }))))
    const sent = await sentBy(async () => {
      const { summary } = await replayed(0, { cwd, url })
      assert.deepEqual([summary.read, summary.accepted, summary.skipped.total], [14, 14, 0])
    })
    assert.equal(sent, 4)
    assert.match((await replayed(0, { cwd, url })).stderr, /nothing new/)
  })

  for (const [name, lines] of [
    ['shrank', records(9)],
    ['changed', records(10, () => ({ id: 'x' }))],
  ] as const) {
    test(`refuses a file that ${name}, until --resend`, async () => {
      const cwd = delivered()
      write(cwd, OPENS, textOf(lines))
      const sent = await sentBy(async () => {
        const run = await replay({ cwd, url })
        assert.equal(run.code, 2, run.stderr)
        assert.match(run.stderr, /Open\.ndjson has changed since it was delivered at .*\n.*--resend/)
      })
      assert.equal(sent, 0)
      const { summary } = await replayed(0, { cwd, url, words: ['--resend'] })
      assert.equal(summary.read, 10 + lines.length)
    })
  }

  test('--resend sends a file of this run again', async () => {
    const cwd = delivered()
    const sent = await sentBy(async () => {
      const { summary } = await replayed(0, { cwd, url, words: ['--resend'] })
      assert.deepEqual([summary.read, summary.accepted], [20, 20])
    })
    assert.equal(sent, 10)
  })
})

describe('another run', () => {
  test('is refused before it sends anything, and told file, run and time', async () => {
    const cwd = delivered()
    const { run } = JSON.parse(readFileSync(join(cwd, '.braze2amp', 'checkpoint.json'), 'utf8'))
    write(cwd, 'exports/date=2020-01-01/users.messages.email.Click.ndjson', textOf(records(4)))
    // files.ndjson is what survives.
    const sent = await sentBy(async () => {
      const second = await replay({ cwd, url, words: ['--fresh', '--yes'] })
      assert.equal(second.code, 2, second.stderr)
      assert.match(second.stderr, /exports\/users\.messages\.email\.Open\.ndjson: 10 events at 20\d\d-\S+Z, run /)
      assert.ok(second.stderr.includes(run.id))
      assert.match(second.stderr, /--resend/)
    })
    assert.equal(sent, 0)
    assert.ok(existsSync(join(cwd, '.braze2amp', 'checkpoint.json')), 'a refusal changes nothing')
  })

  test('sends it all the same with --resend', async () => {
    const cwd = delivered()
    const sent = await sentBy(() => replayed(0, { cwd, url, words: ['--fresh', '--resend'] }))
    assert.equal(sent, 10)
    assert.match((await replayed(0, { cwd, url })).stderr, /nothing new/)
  })

  test('may deliver it into another project', async () => {
    const cwd = delivered()
    const env = { AMPLITUDE_API_KEY: 'another' }
    const sent = await sentBy(() => replayed(0, { cwd, url, words: ['--fresh'], env }))
    assert.equal(sent, 10)
  })

  test('is not refused for files without a record', async () => {
    const cwd = delivered()
    write(cwd, 'exports/date=2020-01-01/users.messages.email.Click.ndjson', '')
    await replayed(0, { cwd, url })
    rmSync(join(cwd, OPENS))
    await replayed(0, { cwd, url, words: ['--fresh'] })
  })

  test('with a state of its own knows nothing of the first', async () => {
    const cwd = delivered()
    assert.equal(await sentBy(() => replayed(0, { cwd, url, words: other })), 10)
  })
})

test('a run that goes on with a new key does not send again what it delivered', async () => {
  const cwd = delivered()
  const env = { AMPLITUDE_API_KEY: `${KEY.AMPLITUDE_API_KEY}-rotated` }
  const sent = await sentBy(async () => {
    const { stderr } = await replayed(0, { cwd, url, env, words: ['--accept-changes'] })
    assert.match(stderr, /nothing new/)
  })
  assert.equal(sent, 0)
})
