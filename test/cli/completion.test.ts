import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { before, describe, test } from 'node:test'
import type { CommandOutline } from '../../src/completion/command-outline.ts'
import { fishCompletion } from '../../src/completion/fish.ts'
import { zshCompletion } from '../../src/completion/zsh.ts'
import { braze2amp, temporaryDirectory } from '../harness.ts'

const COMMANDS = [
  'replay',
  'validate',
  'inspect',
  'explain',
  'status',
  'retry',
  'events',
  'mapping',
  'emulator',
  'completion',
  'help',
]

describe('in a real bash', () => {
  const script = join(temporaryDirectory(), 'completion.bash')
  before(async () => {
    const { code, stdout } = await braze2amp(['completion', 'bash'])
    assert.equal(code, 0)
    writeFileSync(script, stdout)
  })

  /** What bash offers for the last of these words. */
  function offered(words: readonly string[]): readonly string[] {
    const ask = `source "$0"; COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); _braze2amp; printf '%s\\n' "\${COMPREPLY[@]}"`
    const output = execFileSync('bash', ['--norc', '-c', ask, script, 'braze2amp', ...words], { encoding: 'utf8' })
    return output.split('\n').filter((line) => line !== '')
  }

  for (const [words, expected] of [
    [[''], COMMANDS],
    [['rep'], ['replay']],
    [['replay', '--dr'], ['--dry-run']],
    [['replay', 'exports', '--dry-run', '--lim'], ['--limit']],
    [
      ['replay', '--api', ''],
      ['http', 'batch'],
    ],
    [['replay', '--api', 'b'], ['batch']],
    [
      ['replay', '--api', '='],
      ['http', 'batch'],
    ],
    [['replay', '--api', '=', 'h'], ['http']],
    [['replay', '--format', 'l'], ['letters']],
    [['replay', '--api-k'], ['--api-key-file']],
    [
      ['mapping', ''],
      ['init', 'check', 'schema', 'help'],
    ],
    [['mapping', 'check', '--o'], ['--output']],
    [
      ['mapping', 'check', '--output', 'j'],
      ['json', 'junit'],
    ],
    [
      ['completion', ''],
      ['bash', 'zsh', 'fish'],
    ],
    [['emulator', '--api-k'], ['--api-key']],
    // Nothing: bash offers paths.
    [['replay', ''], []],
    [['replay', '--mapping', ''], []],
    [['replay', '--limit', '--'], []],
  ] as const) {
    test(`${words.join(' ')}⇥ offers ${expected.join(' ') || 'paths'}`, () => {
      assert.deepEqual(offered(words).toSorted(), expected.toSorted())
    })
  }

  test('every option that the help shows is offered', async () => {
    for (const command of COMMANDS.filter((name) => name !== 'help')) {
      const { stdout } = await braze2amp([command, '--help'])
      const [own = ''] = stdout.split('Global Options:')
      const options = Array.from(own.matchAll(/^ {2}(?:-\w, )?(--[a-z-]+)/gm), ([, long]) => long)
      assert.ok(options.includes('--help'))
      assert.deepEqual(offered([command, '--']).toSorted(), options.toSorted())
    }
  })
})

describe('for zsh and fish', () => {
  const outline: CommandOutline = {
    words: [],
    summary: '',
    argument: null,
    commands: [],
    options: [
      { long: '--api', short: null, description: "the user's [choice]: a\\b", values: ['http', 'batch'] },
      { long: '--mapping', short: null, description: 'file', values: 'paths' },
      { long: '--limit', short: '-l', description: 'number', values: 'unknown' },
      { long: '--json', short: null, description: 'as JSON', values: null },
    ],
  }

  test('zsh gets what its _arguments takes', () => {
    assert.deepEqual(zshCompletion('b', outline).split('\n').slice(2, 8), [
      '  _arguments -s -S \\',
      "    '*--api=[the user'\\''s \\[choice\\]: a\\\\b]:value:(http batch)' \\",
      "    '*--mapping=[file]:value:_files' \\",
      "    '*--limit=[number]:value: ' \\",
      "    '*-l[number]:value: ' \\",
      "    '*--json[as JSON]'",
    ])
  })

  test('fish gets what its complete takes', () => {
    assert.deepEqual(fishCompletion('b', outline).trim().split('\n').slice(2), [
      "complete -c b -l api -r -f -a 'http batch' -d 'the user\\'s [choice]: a\\\\b'",
      "complete -c b -l mapping -r -F -d 'file'",
      "complete -c b -l limit -s l -r -f -d 'number'",
      "complete -c b -l json -d 'as JSON'",
    ])
  })

  for (const shell of ['zsh', 'fish']) {
    test(`${shell} hears of every command`, async () => {
      const { code, stdout } = await braze2amp(['completion', shell])
      assert.equal(code, 0)
      for (const command of [...COMMANDS, 'init', 'schema']) assert.match(stdout, new RegExp(`\\b${command}\\b`))
      assert.match(stdout, /dry-run/)
    })
  }
})

test('an unknown shell exits 2 and says which are known', async () => {
  const { code, stdout, stderr } = await braze2amp(['completion', 'tcsh'])
  assert.equal(code, 2)
  assert.equal(stdout, '')
  assert.match(stderr, /Allowed choices are bash, zsh, fish/)
})
