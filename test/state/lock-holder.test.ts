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
  readonly is: Condition
  /** The same, when it was touched less than 60 s ago. */
  readonly whileTouched?: Condition
}

const AT_ONCE = 'dead'
const NEVER = 'alive'
const WHEN_WATCHED = { freeAfterMs: 0 }
const AFTER_30_S = { freeAfterMs: 30_000 }
const AFTER_60_S = { freeAfterMs: 60_000 }

const MAC = { ...SELF, ...UNKNOWN }

const CASES: Readonly<Record<string, Case>> = {
  'dead, in our namespace': { holder: OTHER, is: AT_ONCE },
  'alive, in our namespace': { holder: OTHER, lives: 'it', is: NEVER },
  'dead, and its pid lives again': { holder: OTHER, lives: 'another', is: AT_ONCE },
  'dead, and its pid is ours now': { holder: { ...OTHER, pid: 1 }, lives: 'another', is: AT_ONCE },
  'dead, in our namespace, with its start unknown': { holder: { ...OTHER, processStart: null }, is: AT_ONCE },
  'of a pid that lives, with its start unknown': {
    holder: { ...OTHER, processStart: null },
    lives: 'another',
    is: AFTER_60_S,
    whileTouched: NEVER,
  },
  'of a pid that lives, whose start is hidden': {
    holder: OTHER,
    lives: 'unknown',
    is: AFTER_60_S,
    whileTouched: NEVER,
  },
  'alive, in our namespace, with another host name': { holder: { ...OTHER, host: 'there' }, lives: 'it', is: NEVER },
  'not seen in our namespace, with another host name': { holder: { ...OTHER, host: 'there' }, is: AFTER_60_S },
  'of a pid that lives again, with another host name': {
    holder: { ...OTHER, host: 'there' },
    lives: 'another',
    is: AFTER_60_S,
  },
  'of our pid, with another host name': {
    holder: { ...SELF, processStart: 400, host: 'there' },
    lives: 'another',
    is: AFTER_60_S,
  },
  'of a pid that lives, whose start is hidden, with another host name': {
    holder: { ...OTHER, host: 'there' },
    lives: 'unknown',
    is: AFTER_60_S,
  },

  'in another container of our host name and pid': {
    holder: { ...SELF, pidNamespace: 'pid:[2]' },
    lives: 'it',
    is: AFTER_30_S,
  },
  'in another container, where its pid does not live here': {
    holder: { ...OTHER, pidNamespace: 'pid:[2]' },
    is: AFTER_60_S,
  },
  'on another machine with our host name, pid and start': {
    holder: { ...SELF, boot: 'boot b' },
    lives: 'it',
    is: AFTER_30_S,
  },
  'of before this machine was started again': { holder: { ...OTHER, boot: 'boot b' }, is: AFTER_60_S },
  'on another host': { holder: { ...OTHER, host: 'there', boot: 'boot b', pidNamespace: 'pid:[2]' }, is: AFTER_60_S },
  'on another boot, in a namespace that is not known': {
    holder: { ...SELF, boot: 'boot b', pidNamespace: null },
    is: AFTER_30_S,
  },
  'in another namespace, of a boot that is not known': {
    holder: { ...SELF, boot: null, pidNamespace: 'pid:[2]' },
    is: AFTER_30_S,
  },

  'of an older version, with our host and pid': { holder: { ...SELF, ...UNKNOWN }, lives: 'it', is: AFTER_30_S },
  'of an older version, with our host and a pid that does not live': {
    holder: { ...OTHER, ...UNKNOWN },
    is: WHEN_WATCHED,
  },
  'of an older version, with our host and a pid that lives': {
    holder: { ...OTHER, ...UNKNOWN },
    lives: 'another',
    is: AFTER_60_S,
  },
  'of an older version, with our pid on another host': {
    holder: { ...SELF, ...UNKNOWN, host: 'there' },
    is: AFTER_60_S,
  },
  'in our namespace, of a boot that is not known': { holder: { ...OTHER, boot: null }, is: WHEN_WATCHED },
  'of our boot, in a namespace that is not known': { holder: { ...OTHER, pidNamespace: null }, is: WHEN_WATCHED },
  'of our boot, host and pid, in a namespace that is not known': {
    holder: { ...SELF, pidNamespace: null },
    lives: 'it',
    is: AFTER_30_S,
  },
  'known, where this container has no /proc': { holder: OTHER, self: MAC, is: WHEN_WATCHED },
  'known, of our host and pid, where this container has no /proc': { holder: SELF, self: MAC, is: AFTER_30_S },
  'where no container has a /proc': { holder: { ...OTHER, ...UNKNOWN }, self: MAC, is: WHEN_WATCHED },

  'dead, on a Mac': { holder: { ...OTHER, ...UNKNOWN }, self: MAC, withoutNamespaces: true, is: AT_ONCE },
  'of a pid that lives, on a Mac': {
    holder: { ...OTHER, ...UNKNOWN },
    self: MAC,
    withoutNamespaces: true,
    lives: 'unknown',
    is: AFTER_60_S,
    whileTouched: NEVER,
  },
  'of our pid, on a Mac': {
    holder: MAC,
    self: MAC,
    withoutNamespaces: true,
    lives: 'unknown',
    is: AFTER_30_S,
  },
  'on another Mac': {
    holder: { ...OTHER, ...UNKNOWN, host: 'there' },
    self: MAC,
    withoutNamespaces: true,
    is: AFTER_60_S,
  },
  'in a container of a Mac, with its host name': {
    holder: OTHER,
    self: MAC,
    withoutNamespaces: true,
    is: WHEN_WATCHED,
  },

  'nobody knows who': { holder: null, is: AFTER_60_S },
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
      assert.deepEqual([after(60_001), after(3_600_000)], [facts.is, facts.is])
      assert.deepEqual(after(-1), facts.is, 'touched by a clock that is ahead')
      const touched = facts.whileTouched ?? facts.is
      assert.deepEqual([after(0), after(30_000), after(60_000)], [touched, touched, touched])
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
