import { ChangedInputError } from '../errors.ts'
import type { OpenSource } from '../model.ts'
import {
  createPassingFingerprint,
  createPassingMatch,
  type Fingerprint,
  type Match,
  type PassingMatch,
} from '../read/fingerprint.ts'
import type { DeliveredFile } from './delivered-files.ts'

/**
 * What is known of standard input. It cannot be read a second time, so its bytes are compared, while they pass, with the stream that
 * was read before (state/README.md §4).
 */
export interface StandardInput {
  /** Demands this stream. Records that begin before `from` are settled; later ones are held until the stream has matched. */
  expect(expected: Fingerprint, from: number): void
  /** True when the bytes that passed last must be held until more have passed. */
  holds(): boolean
  /** Takes the next bytes as stored. @throws ChangedInputError when this is another stream */
  passed(bytes: Uint8Array): void
  /** Notes that there are no more bytes. @throws ChangedInputError when there must be more */
  ended(): void
  /** Called when the first bytes are known. Returns the delivered stream that began with the same bytes; null when there is none. */
  begin(source: OpenSource, streams: readonly DeliveredFile[]): DeliveredFile | null
  /** The fingerprint at the latest place up to `byte`; null until the stream that it must be has matched. */
  before(byte: number): Fingerprint | null
  /** The fingerprint of the whole stream, after its end. */
  whole(): Fingerprint
}

/** @param mayBeKnown streams were delivered before: the first bytes are kept until it is known whether this is one of those */
export function createStandardInput(mayBeKnown: boolean): StandardInput {
  const passing = createPassingFingerprint()
  /** The first bytes, kept for a comparison that may begin later; null when none will. */
  let early: Uint8Array[] | null = mayBeKnown ? [] : null
  let match: PassingMatch | null = null
  let hasMatched = false
  let heldFrom = 0
  let byte = 0
  let isOver = false

  function check(found: Match | null): void {
    if (found === 'same') hasMatched = true
    if (found === null || found === 'same') return
    const what = found === 'shrank' ? 'ends earlier than' : 'is not'
    throw new ChangedInputError(`standard input ${what} the stream that was read before`, {
      hint:
        'Nothing of it was sent. Give the same stream again from its start to go on; --fresh begins anew, --state DIR names ' +
        'another state for another stream.',
    })
  }

  return {
    expect(expected, from) {
      heldFrom = from
      match = createPassingMatch(expected)
      for (const bytes of early ?? []) check(match.add(bytes))
      early = null
      if (isOver) check(match.end())
    },
    holds: () => match !== null && !hasMatched && byte > heldFrom,
    passed(bytes) {
      byte += bytes.length
      passing.add(bytes)
      early?.push(bytes)
      if (match !== null) check(match.add(bytes))
    },
    ended() {
      if (isOver) return
      isOver = true
      passing.end()
      if (match !== null) check(match.end())
    },
    begin(source, streams) {
      const head = source.headHash()
      // Streams shorter than a head are equal when their heads are. Longer streams are compared as they pass.
      const known = streams.findLast((stream) => stream.head === head) ?? null
      if (known === null) early = null
      return known
    },
    before: (byte) => (match === null || hasMatched ? passing.before(byte) : null),
    whole: () => passing.before(Number.POSITIVE_INFINITY),
  }
}
