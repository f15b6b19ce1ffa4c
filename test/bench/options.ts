import { resolve } from 'node:path'
import { parseArgs } from 'node:util'
import { CASES, type Case } from './cases.ts'

export interface Options {
  readonly records: number
  readonly runs: number
  /** Those that were asked for, and those that they are compared with. */
  readonly cases: readonly Case[]
  /** The folder that keeps the data for the next time; null when it goes at the end. */
  readonly data: string | null
  /** The folder in which Amplitude's SDK is installed. */
  readonly sdk: string | null
  /** The commit to compare with. */
  readonly against: string | null
  readonly markdown: boolean
}

/** @throws when an option is unknown or not what it should be */
export function readOptions(words: readonly string[]): Options {
  const { values } = parseArgs({
    args: [...words],
    options: {
      records: { type: 'string', default: '300000' },
      runs: { type: 'string', default: '5' },
      only: { type: 'string' },
      data: { type: 'string' },
      sdk: { type: 'string' },
      against: { type: 'string' },
      markdown: { type: 'boolean', default: false },
    },
  })
  return {
    records: count('--records', values.records),
    runs: count('--runs', values.runs),
    cases: values.only === undefined ? CASES : named(values.only.split(',')),
    data: values.data === undefined ? null : resolve(values.data),
    sdk: values.sdk === undefined ? null : resolve(values.sdk),
    against: values.against ?? null,
    markdown: values.markdown,
  }
}

function count(option: string, given: string): number {
  if (!/^[1-9]\d*$/.test(given)) throw new Error(`${option} takes a number from 1 on, not ${given}`)
  return Number(given)
}

function named(names: readonly string[]): readonly Case[] {
  const asked = names.map((name) => {
    const found = CASES.find((one) => one.name === name)
    if (found === undefined) throw new Error(`no case ${name}; there are: ${CASES.map((one) => one.name).join(', ')}`)
    return found
  })
  const needed = new Set(asked.flatMap(({ name, comparedWith }) => [name, ...comparedWith]))
  return CASES.filter(({ name }) => needed.has(name))
}
