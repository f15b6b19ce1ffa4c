import { CATALOGUE } from '../data/catalogue.ts'
import type { Records } from '../shapes/records.ts'
import { entryOf, randomOf, recordOf } from './generate.ts'

/** Event types, each with its share of the records. */
export type Mix = readonly (readonly [type: string, share: number])[]

/** A typical account, by volume. */
export const TYPICAL: Mix = [
  ['users.messages.email.Send', 18],
  ['users.messages.email.Delivery', 17],
  ['users.messages.email.Open', 12],
  ['users.messages.email.Click', 4],
  ['users.messages.pushnotification.Send', 12],
  ['users.messages.pushnotification.Open', 3],
  ['users.behaviors.CustomEvent', 14],
  ['users.behaviors.Purchase', 2],
  ['users.behaviors.app.SessionStart', 6],
  ['users.behaviors.app.SessionEnd', 6],
  ['users.messages.inappmessage.Impression', 4],
  ['users.messages.contentcard.Impression', 2],
]

export const EVERY_TYPE: Mix = CATALOGUE.map(({ event_type }) => [event_type, 1])

const RECORDS_IN_FILE = 10_000
const SEED = 1

/** `count` records of a mix, always the same, as files hold them: one type in each. */
export function* filesOf(mix: Mix, count: number): Generator<Records> {
  const shares = mix.reduce((sum, [, share]) => sum + share, 0)
  let until = 0
  let written = 0
  for (const [type, share] of mix) {
    until += share
    const end = Math.round((count * until) / shares)
    const entry = entryOf(type)
    const random = randomOf(SEED + hashOf(type))
    for (let ordinal = 0; written < end; ) {
      const length = Math.min(end - written, RECORDS_IN_FILE)
      const records = Array.from({ length }, () => recordOf(entry, random, ordinal++))
      written += length
      yield { entry, records }
    }
  }
}

function hashOf(text: string): number {
  let hash = 0
  for (const c of text) hash = (Math.imul(hash, 31) + c.charCodeAt(0)) | 0
  return hash
}
