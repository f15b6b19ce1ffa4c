import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { mkdirSync, readdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { Command } from 'commander'
import { COMMANDS } from '../src/commands/commands.ts'
import { EXIT, EXIT_MEANINGS } from '../src/errors.ts'
import { readMapping } from '../src/mapping/mapping-file.ts'
import { keysAt } from '../src/mapping/mapping-schema.ts'
import { OUTCOMES, WARNING_MEANINGS } from '../src/outcomes.ts'
import { start } from './emulator/harness.ts'
import { BINARY, temporaryDirectory } from './harness.ts'

const ROOT = fileURLToPath(new URL('../../', import.meta.url))
const README = readFileSync(join(ROOT, 'README.md'), 'utf8')

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

/** The program as it reads its words, with commands that do nothing. */
async function programOf(name: string): Promise<Command> {
  const program = new Command('braze2amp').exitOverride().configureOutput({ writeErr: () => {} })
  const declare = await COMMANDS.find((command) => command.name === name)?.load()
  declare?.(program.command(name), async () => {})
  return program
}

/** Every call of the program in code, as words; what a shell does with its output is not among them. */
function callsIn(text: string): readonly string[][] {
  const code = Array.from(
    text.matchAll(/```(?:sh|yaml)\n([\s\S]*?)```|`([^`\n]+)`/g),
    ([, block, inline]) => block ?? inline ?? '',
  )
  return code.flatMap((part) =>
    Array.from(part.matchAll(/(?<![\w./-])braze2amp (?=[a-z])((?:'[^']*'|[^|<>();&#'"`\n])*)/g), ([, words]) =>
      Array.from((words ?? '').matchAll(/'([^']*)'|(?:[^\s\\']|\\.)+/g), ([word, quoted]) => quoted ?? word),
    ),
  )
}

describe('the commands in the README', () => {
  const calls = callsIn(README).filter(([name]) => COMMANDS.some((command) => command.name === name))

  test('are many, of every kind', () => {
    assert.ok(calls.length > 50, String(calls.length))
    for (const { name } of COMMANDS)
      assert.ok(
        calls.some(([first]) => first === name),
        name,
      )
  })

  for (const words of calls) {
    test(words.join(' '), async () => {
      // Named, not called; and the place that only a scheduler knows.
      if (words.length === 1 && ['replay', 'inspect', 'explain'].includes(words[0] ?? '')) return
      const given = words.map((word) => (word === 'auto' ? '1/2' : word))
      await (await programOf(words[0] ?? '')).parseAsync(['node', 'braze2amp', ...given])
    })
  }
})

describe('the reference in the README', () => {
  const reference = README.slice(README.indexOf('## Reference'))

  for (const { name } of COMMANDS) {
    test(`has every option of ${name}`, async () => {
      const [command] = (await programOf(name)).commands
      for (const option of command?.options ?? []) {
        if (option.hidden || option.long === undefined || option.long === null) continue
        assert.match(README, new RegExp(`${option.long}(?![\\w-])`), option.long)
      }
    })
  }

  test('has every reason, warning and exit code', () => {
    const plain = reference.replaceAll('`', '').replaceAll(/ +\|/g, ' |')
    for (const outcome of OUTCOMES) {
      if (outcome.is !== 'event')
        assert.ok(plain.includes(`| ${outcome.reason} | ${outcome.meaning} |`), outcome.reason)
    }
    for (const [name, meaning] of Object.entries(WARNING_MEANINGS)) {
      assert.ok(plain.includes(`| ${name} | ${meaning} |`), name)
    }
    const codes = reference.slice(reference.indexOf('### Exit codes'), reference.indexOf('### Speed'))
    const rows = Array.from(codes.matchAll(/^\| ([\d, ]+?) *\| (.+?) *\|/gm), ([, listed, meaning]) => ({
      listed: (listed ?? '').split(', ').map(Number),
      meaning,
    }))
    for (const [name, meaning] of Object.entries(EXIT_MEANINGS)) {
      const code = EXIT[name as keyof typeof EXIT]
      assert.equal(rows.find(({ listed }) => listed.includes(code))?.meaning, meaning, String(code))
    }
  })
})

interface Step {
  readonly command: string
  /** What the README says that it shows, or a part of it. */
  readonly shown: readonly string[]
}

/** The commands of a part of the README in their order, each with the output that follows its block. */
function stepsIn(text: string): readonly Step[] {
  return Array.from(text.matchAll(/```sh\n([\s\S]*?)```(?:\n\n```text\n([\s\S]*?)```)?/g)).flatMap(
    ([, block, output]) => {
      const commands = (block ?? '').trim().split(/(?<!\|)\n/)
      return commands.map((command, i) => ({
        command,
        shown:
          i === commands.length - 1
            ? (output ?? '').split('\n').filter((line) => line.trim() !== '' && line !== '…')
            : [],
      }))
    },
  )
}

/** How long it takes and how many requests it makes depends on the machine, and so does how wide the columns are. */
function steady(line: string): string {
  return line
    .replace(/ in [\d.]+ s, [\d,]+\/s/, '')
    .replace(/^( +requests +).*/, '$1')
    .replace(/\s+/g, ' ')
    .trim()
}

function shell(command: string, cwd: string, env: NodeJS.ProcessEnv): Promise<{ code: number | null; output: string }> {
  return new Promise((resolve, reject) => {
    const child = spawn('bash', ['-c', command], { cwd, env, stdio: ['ignore', 'pipe', 'pipe'] })
    const output: Buffer[] = []
    for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk: Buffer) => output.push(chunk))
    child.on('error', reject)
    child.on('close', (code) => resolve({ code, output: Buffer.concat(output).toString() }))
  })
}

/** A folder as after `git clone`, with the program on the path. */
function clone(): { readonly cwd: string; readonly env: NodeJS.ProcessEnv } {
  const cwd = temporaryDirectory()
  symlinkSync(join(ROOT, 'fixtures'), join(cwd, 'fixtures'))
  mkdirSync(join(cwd, 'bin'))
  writeFileSync(join(cwd, 'bin', 'braze2amp'), `#!/bin/sh\nexec '${process.execPath}' '${BINARY}' "$@"\n`, {
    mode: 0o755,
  })
  return { cwd, env: { ...process.env, PATH: `${join(cwd, 'bin')}:${process.env['PATH']}`, NO_COLOR: '1' } }
}

async function follow(steps: readonly Step[], cwd: string, env: NodeJS.ProcessEnv): Promise<void> {
  for (const { command, shown } of steps) {
    const { code, output } = await shell(command, cwd, env)
    assert.ok(code === EXIT.done || code === EXIT.recordsRejected, `${command}\n${output}`)
    const lines = output.split('\n').map(steady)
    for (const line of shown) assert.ok(lines.includes(steady(line)), `${command}\nlacks: ${line}\n${output}`)
  }
}

describe('as the README says', { concurrency: true }, () => {
  function part(from: string, to: string): readonly Step[] {
    return stepsIn(README.slice(README.indexOf(`\n## ${from}\n`), README.indexOf(`\n${to}\n`)))
  }

  test('the five minutes', async () => {
    const { cwd, env } = clone()
    await follow(part('Five minutes', '## A backfill'), cwd, env)
  })

  test('the backfill', async (t) => {
    const emulator = await start(t)
    const { cwd, env } = clone()
    // What is set in the shell and started beside it, and the one that takes its time on purpose.
    const steps = part('A backfill', '### The real thing').filter(
      ({ command }) => !/^(export |E=|braze2amp emulator)|--max-eps/.test(command),
    )
    assert.equal(steps.length, 14)
    await follow(steps, cwd, { ...env, AMPLITUDE_API_KEY: 'any', E: emulator.url })
    const { code, output } = await shell('braze2amp status --json', cwd, env)
    assert.equal(code, EXIT.done)
    const { by_event_type: _, ...summary } = JSON.parse(output)
    for (const field of Object.keys(summary)) assert.ok(README.includes(`\`${field}\``), field)
    for (const name of readdirSync(join(cwd, '.braze2amp'))) assert.ok(README.includes(`\`${name}`), name)
    // Every event of the fixtures, and the one that was mended.
    assert.equal(emulator.stats().unique, 97)
  })
})
