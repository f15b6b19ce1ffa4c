import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { connect } from 'node:net'
import { createInterface } from 'node:readline'
import { type TestContext, test } from 'node:test'
import { Command, CommanderError } from 'commander'
import { declareEmulator } from '../../src/commands/emulator.ts'
import { startEmulator } from '../../src/emulator/server.ts'
import { EXIT } from '../../src/errors.ts'
import { eventsOf, post } from '../emulator/harness.ts'
import { BINARY } from '../harness.ts'

/** Runs `braze2amp emulator …` with a signal that has already aborted, so it starts, stops and reports. */
async function runBriefly(t: TestContext, args: readonly string[]): Promise<string> {
  const chunks: string[] = []
  const capture = (text: string) => {
    chunks.push(text)
    return true
  }
  t.mock.method(process.stderr, 'write', capture)
  const program = new Command().exitOverride().configureOutput({ writeErr: capture, writeOut: capture })
  declareEmulator(program.command('emulator'), async (work) => void (await work(AbortSignal.abort('SIGINT'))))
  try {
    await program.parseAsync(['emulator', ...args], { from: 'user' })
  } finally {
    t.mock.restoreAll()
  }
  return chunks.join('')
}

test('it says on stderr where it is, how to use it, and what arrived', async (t) => {
  const text = await runBriefly(t, ['--port', '0'])
  assert.match(
    text,
    /emulator on (http:\/\/127\.0\.0\.1:\d+): braze2amp replay \.\/exports --endpoint \1 \(AMPLITUDE_API_KEY: any\)\n/,
  )
  assert.match(text, /events: 0 unique/)
  assert.match(text, /requests: 0/)
})

test('every option is understood', async (t) => {
  const options =
    '--port 0 --http-eps 10 --batch-eps 300.5 --window 10 --daily-quota 1000 --project-eps 1000 --project-rps 100 --api-key k ' +
    '--fail 503:0.05,302:0.1 --latency 50-300 --drop-before 0.1 --drop-after 0 --garbage 0.2 --seed 7 --keep-events /dev/null'
  assert.match(await runBriefly(t, options.split(' ')), /the one given with --api-key/)
  assert.match(await runBriefly(t, ['--port', '0', '--latency', '50']), /emulator on/)
})

for (const [option, values, allowed] of [
  ['--port', ['x', '-1', '65536', '1.5', ''], /a port from 0 to 65535/],
  ['--http-eps', ['0', 'x', '-1', '1e3', 'Infinity'], /a number above 0/],
  ['--batch-eps', ['0', 'NaN'], /a number above 0/],
  ['--window', ['0', '30s'], /a number above 0/],
  ['--daily-quota', ['0', '0.5'], /a whole number, 1 or more/],
  ['--project-eps', ['0'], /a number above 0/],
  ['--project-rps', ['0'], /a number above 0/],
  ['--api-key', [''], /not be empty/],
  ['--fail', ['503', '503:2', '200:0.1', '600:0.1', '503:0.1:1', '503:0.1,', 'x:0.1', ''], /such as 503:0\.05/],
  ['--latency', ['x', '50-', '300-50', '1-2-3', ''], /such as 50 or 50-300/],
  ['--drop-before', ['1.1', 'x', '5%'], /from 0 to 1/],
  ['--drop-after', ['-0.1'], /from 0 to 1/],
  ['--garbage', ['2'], /from 0 to 1/],
  ['--seed', ['1.5', 'x'], /a whole number, 0 or more/],
  ['--keep-events', [''], /not be empty/],
] as const) {
  for (const value of values) {
    test(`${option} "${value}" is refused, and the message says what is allowed`, async (t) => {
      await assert.rejects(runBriefly(t, ['--port', '0', `${option}=${value}`]), (error) => {
        assert.ok(error instanceof CommanderError)
        assert.equal(error.code, 'commander.invalidArgument')
        assert.match(error.message, allowed)
        assert.ok(error.message.includes(option))
        return true
      })
    })
  }
}

test('rates that exceed 1 together and a port in use are usage errors', async (t) => {
  await assert.rejects(runBriefly(t, ['--port', '0', '--drop-before', '0.6', '--garbage', '0.6']), {
    name: 'UsageError',
  })
  const emulator = await startEmulator()
  t.after(() => emulator.close())
  await assert.rejects(runBriefly(t, ['--port', String(emulator.port)]), { name: 'UsageError', exitCode: 2 })
})

test('--help shows examples', async () => {
  const program = new Command().exitOverride()
  declareEmulator(program.command('emulator'), async (work) => void (await work(AbortSignal.abort('SIGINT'))))
  let text = ''
  const writeOut = (part: string) => {
    text += part
  }
  for (const command of program.commands) command.exitOverride().configureOutput({ writeOut })
  await assert.rejects(program.parseAsync(['emulator', '--help'], { from: 'user' }), CommanderError)
  assert.match(text, /--endpoint http:\/\/127\.0\.0\.1:8787/)
})

for (const [signal, expected] of [
  ['SIGINT', EXIT.interrupted],
  ['SIGTERM', EXIT.terminated],
] as const) {
  test(`${signal} ends it although connections are open, and it reports what arrived`, {
    timeout: 60_000,
  }, async () => {
    const child = spawn(process.execPath, [BINARY, 'emulator', '--port', '0'], { stdio: ['ignore', 'pipe', 'pipe'] })
    const lines = createInterface(child.stderr)[Symbol.asyncIterator]()
    const first = String((await lines.next()).value)
    const url = /http:\/\/127\.0\.0\.1:\d+/.exec(first)?.[0]
    assert.ok(url, first)
    await post({ url }, eventsOf(2))
    const idle = connect(Number(new URL(url).port), '127.0.0.1')
    idle.on('error', () => {}) // its end may come as a reset
    await once(idle, 'connect')
    child.kill(signal)
    const [code] = await once(child, 'exit')
    assert.equal(code, expected)
    for (const shown of ['', `${signal}: stopping; once more to stop at once`]) {
      assert.equal((await lines.next()).value, shown)
    }
    assert.match(String((await lines.next()).value), /^events: 2 unique/)
    assert.match(String((await lines.next()).value), /^requests: 1 \(200: 1\), 0 without an answer/)
    idle.destroy()
  })
}
