import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { type Condition, conditionOf, type Holder, holderOf } from '../../src/state/lock-holder.ts'
import type { Processes, ProcessIdentity } from '../../src/state/processes.ts'

const SELF: ProcessIdentity = { pid: 1, processStart: 500, host: 'here', boot: 'boot a', pidNamespace: 'pid:[1]' }
const UNKNOWN = { processStart: null, boot: null, pidNamespace: null }
const OTHER = { ...SELF, pid: 7, processStart: 400 }

interface Case {
  readonly holder: ProcessIdentity | null
  readonly self?: ProcessIdentity
  /** What lives at the holder's pid, where this process looks. */
  readonly lives?: 'nothing' | 'it' | 'another' | 'unknown'
  readonly withoutNamespaces?: boolean
  /** Untouched for: just now, over 30 s, over 60 s. */
  readonly are: readonly [Condition, Condition, Condition]
}

const AT_ONCE = ['dead', 'dead', 'dead'] as const
const NEVER = ['alive', 'alive', 'alive'] as const
const WHEN_WATCHED = ['doubtful', 'doubtful', 'doubtful'] as const
const AFTER_30_S = ['alive', 'doubtful', 'doubtful'] as const
const AFTER_60_S = ['alive', 'alive', 'doubtful'] as const

const MAC = { ...SELF, ...UNKNOWN }

const CASES: Readonly<Record<string, Case>> = {
  'dead, in our namespace': { holder: OTHER, are: AT_ONCE },
  'alive, in our namespace': { holder: OTHER, lives: 'it', are: NEVER },
  'dead, and its pid lives again': { holder: OTHER, lives: 'another', are: AT_ONCE },
  'dead, and its pid is ours now': { holder: { ...OTHER, pid: 1 }, lives: 'another', are: AT_ONCE },
  'dead, in our namespace, with its start unknown': { holder: { ...OTHER, processStart: null }, are: AT_ONCE },
  'of a pid that lives, with its start unknown': {
    holder: { ...OTHER, processStart: null },
    lives: 'another',
    are: AFTER_60_S,
  },
  'of a pid that lives, whose start is hidden': { holder: OTHER, lives: 'unknown', are: AFTER_60_S },
  'alive, in our namespace, with another host name': { holder: { ...OTHER, host: 'there' }, lives: 'it', are: NEVER },
  'dead, in our namespace, with another host name': { holder: { ...OTHER, host: 'there' }, are: AT_ONCE },

  'in another container of our host name and pid': {
    holder: { ...SELF, pidNamespace: 'pid:[2]' },
    lives: 'it',
    are: AFTER_60_S,
  },
  'in another container, where its pid does not live here': {
    holder: { ...OTHER, pidNamespace: 'pid:[2]' },
    are: AFTER_60_S,
  },
  'on another machine with our host name, pid and start': {
    holder: { ...SELF, boot: 'boot b' },
    lives: 'it',
    are: AFTER_60_S,
  },
  'of before this machine was started again': { holder: { ...OTHER, boot: 'boot b' }, are: AFTER_60_S },
  'on another host': { holder: { ...OTHER, host: 'there', boot: 'boot b', pidNamespace: 'pid:[2]' }, are: AFTER_60_S },
  'on another boot, in a namespace that is not known': {
    holder: { ...SELF, boot: 'boot b', pidNamespace: null },
    are: AFTER_60_S,
  },
  'in another namespace, of a boot that is not known': {
    holder: { ...SELF, boot: null, pidNamespace: 'pid:[2]' },
    are: AFTER_60_S,
  },

  'of an older version, with our host and pid': { holder: { ...SELF, ...UNKNOWN }, lives: 'it', are: AFTER_30_S },
  'of an older version, with our host and a pid that does not live': {
    holder: { ...OTHER, ...UNKNOWN },
    are: WHEN_WATCHED,
  },
  'of an older version, with our host and a pid that lives': {
    holder: { ...OTHER, ...UNKNOWN },
    lives: 'another',
    are: AFTER_60_S,
  },
  'of an older version, with our pid on another host': {
    holder: { ...SELF, ...UNKNOWN, host: 'there' },
    are: AFTER_60_S,
  },
  'in our namespace, of a boot that is not known': { holder: { ...OTHER, boot: null }, are: WHEN_WATCHED },
  'of our boot, in a namespace that is not known': { holder: { ...OTHER, pidNamespace: null }, are: WHEN_WATCHED },
  'of our boot, host and pid, in a namespace that is not known': {
    holder: { ...SELF, pidNamespace: null },
    lives: 'it',
    are: AFTER_30_S,
  },
  'known, where this container has no /proc': { holder: OTHER, self: MAC, are: WHEN_WATCHED },
  'known, of our host and pid, where this container has no /proc': { holder: SELF, self: MAC, are: AFTER_30_S },
  'where no container has a /proc': { holder: { ...OTHER, ...UNKNOWN }, self: MAC, are: WHEN_WATCHED },

  'dead, on a Mac': { holder: { ...OTHER, ...UNKNOWN }, self: MAC, withoutNamespaces: true, are: AT_ONCE },
  'of a pid that lives, on a Mac': {
    holder: { ...OTHER, ...UNKNOWN },
    self: MAC,
    withoutNamespaces: true,
    lives: 'unknown',
    are: AFTER_60_S,
  },
  'of our pid, on a Mac': {
    holder: MAC,
    self: MAC,
    withoutNamespaces: true,
    lives: 'unknown',
    are: AFTER_30_S,
  },
  'on another Mac': {
    holder: { ...OTHER, ...UNKNOWN, host: 'there' },
    self: MAC,
    withoutNamespaces: true,
    are: AFTER_60_S,
  },
  'in a container of a Mac, with its host name': {
    holder: OTHER,
    self: MAC,
    withoutNamespaces: true,
    are: WHEN_WATCHED,
  },

  'nobody knows who': { holder: null, are: AFTER_60_S },
}

function processesOf({ holder, self = SELF, lives = 'nothing', withoutNamespaces = false }: Case): Processes {
  const start = { nothing: null, it: holder?.processStart ?? null, another: 450, unknown: null }[lives]
  return {
    self: () => self,
    at: (pid) => (pid === holder?.pid && lives !== 'nothing' ? { processStart: start } : null),
    haveNamespaces: !withoutNamespaces,
  }
}

describe('the holder of a lock', () => {
  for (const [title, facts] of Object.entries(CASES)) {
    test(`${title}`, () => {
      const holder = facts.holder === null ? null : { ...facts.holder, startedAt: 0 }
      const processes = processesOf(facts)
      const after = (ms: number) => conditionOf(holder, processes, ms)
      assert.deepEqual([after(0), after(30_001), after(60_001)], facts.are)
      assert.deepEqual([after(-3_600_000), after(30_000)], [facts.are[0], facts.are[0]], 'a clock that is behind')
      assert.equal(after(60_000), facts.are[1])
    })
  }
})

test('a lock of an older version has an unknown start, boot and namespace', () => {
  const old = { pid: 7, host: 'here', startedAt: 1_767_225_600_000 }
  assert.deepEqual(holderOf(Buffer.from(JSON.stringify(old))), { ...old, ...UNKNOWN })
})

test('a lock is read as it was written, and anything else is none', () => {
  const holder: Holder = { ...SELF, startedAt: 1_767_225_600_000 }
  assert.deepEqual(holderOf(Buffer.from(JSON.stringify(holder))), holder)
  const odd = ['', '{', '[]', 'null', '{"pid":"7","host":"here","startedAt":0}', '{"pid":7,"startedAt":0}']
  for (const text of odd) assert.equal(holderOf(Buffer.from(text)), null, text)
})
