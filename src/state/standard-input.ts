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
 * What is known of standard input, which cannot be read a second time: it is compared, while it passes, with the stream that it must
 * be (state/README.md §4).
 */
export interface StandardInput {
  /** It must be this stream. Records that begin before `from` are settled: what comes behind is held until it has matched. */
  expect(expected: Fingerprint, from: number): void
  /** What has passed last must not be taken before more has. */
  holds(): boolean
  /** The next bytes as stored. @throws ChangedInputError when it is another stream */
  passed(bytes: Uint8Array): void
  /** There are no more. @throws ChangedInputError when there must be */
  ended(): void
  /** Its first bytes are known: the delivered stream that began with the same ones, if there is one. */
  begin(source: OpenSource, streams: readonly DeliveredFile[]): DeliveredFile | null
  /** The latest place at or before `byte`; null while it is not known whether it is the stream that it must be. */
  before(byte: number): Fingerprint | null
  /** After the end. */
  whole(): Fingerprint
}

/** @param mayBeKnown streams were delivered before, so the first bytes must be kept until it is known whether this is one */
export function createStandardInput(mayBeKnown: boolean): StandardInput {
  const passing = createPassingFingerprint()
  /** Bytes that a comparison which begins later needs. */
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
      // Equal heads of less than a span are equal streams; longer ones are compared as they pass.
      const known = streams.findLast((stream) => stream.head === head) ?? null
      if (known === null) early = null
      return known
    },
    before: (byte) => (match === null || hasMatched ? passing.before(byte) : null),
    whole: () => passing.before(Number.POSITIVE_INFINITY),
  }
}
