import { MAX_NAMES } from '../amplitude/event.ts'
import { type ByteWriter, COLON, COMMA, copyBytes, copyLiteral, QUOTE, reserve } from '../json/bytes.ts'
import { copyCanonicalContent } from '../json/strings.ts'
import { appendValue, endOfString, endOfValue, kindOf, skipSpace } from '../json/values.ts'
import type { OwnProperties } from '../mapping/own-property-rules.ts'
import { createProtector } from './protect.ts'

/**
 * Makes the function that writes each member of the object at `at`, which must be valid, as a property; nulls are left out. Of
 * members that would have the same name the last counts, as JSON readers have it.
 */
export function createMemberWriter(): (out: ByteWriter, own: OwnProperties, source: Uint8Array, at: number) => void {
  const writeProtected = createProtector()
  // Members of the object at hand, as written: where each begins, and the bytes of its key. No project takes more names.
  const starts = new Int32Array(MAX_NAMES)
  const keyLengths = new Int32Array(MAX_NAMES)
  let written = 0

  return function writeMembers(out, own, source, at) {
    written = 0
    let p = skipSpace(source, at + 1)
    while (source[p] === QUOTE) {
      const keyEnd = endOfString(source, p)
      const valueAt = skipSpace(source, skipSpace(source, keyEnd) + 1)
      const valueEnd = endOfValue(source, valueAt)
      writeMember(out, own, source, p, keyEnd, valueAt, valueEnd)
      p = skipSpace(source, valueEnd)
      if (source[p] === COMMA) p = skipSpace(source, p + 1)
    }
  }

  function writeMember(
    out: ByteWriter,
    { keyStart, rules }: OwnProperties,
    source: Uint8Array,
    keyAt: number,
    keyEnd: number,
    valueAt: number,
    valueEnd: number,
  ): void {
    let memberAt = out.length
    reserve(out, keyStart.length + (keyEnd - keyAt) + 16)
    let to = copyLiteral(out, out.length, keyStart)
    const contentAt = to
    to = copyCanonicalContent(out.bytes, to, source, keyAt + 1, keyEnd - 1)
    const contentEnd = to
    out.bytes[to++] = QUOTE
    out.bytes[to++] = COLON
    out.length = to
    const rule = rules === null ? -1 : rules.find(out.bytes, contentAt, contentEnd)
    if (rules !== null) {
      if (rule < 0 ? rules.dropsOthers : rules.isDropped[rule]) {
        out.length = memberAt
        return
      }
      const name = rules.names[rule]
      if (name) {
        out.length = memberAt
        reserve(out, name.length)
        out.length = copyBytes(out.bytes, memberAt, name, 0, name.length)
      }
    }
    memberAt -= removeSameBefore(out, memberAt)
    if (source[valueAt] === LETTER_N) {
      out.length = memberAt
      return
    }
    if (written < MAX_NAMES) {
      starts[written] = memberAt
      keyLengths[written++] = out.length - memberAt
    }
    const protection = rules?.protections[rule]
    if (protection) {
      const kind = kindOf(source, valueAt, valueEnd)
      writeProtected(out, protection, source, valueAt, valueEnd, kind, 'any')
    } else {
      appendValue(out, source, valueAt, valueEnd)
    }
  }
  /** Takes out the member whose key is that of the one at `at`, whose value is not written yet; how many bytes it had. */
  function removeSameBefore(out: ByteWriter, at: number): number {
    const keyLength = out.length - at
    for (let i = 0; i < written; i++) {
      const start = starts[i] as number
      if (keyLengths[i] !== keyLength || !isSame(out.bytes, start, at, keyLength)) continue
      const end = i + 1 < written ? (starts[i + 1] as number) : at
      out.bytes.copyWithin(start, end, out.length)
      out.length -= end - start
      written--
      for (let k = i; k < written; k++) {
        starts[k] = (starts[k + 1] as number) - (end - start)
        keyLengths[k] = keyLengths[k + 1] as number
      }
      return end - start
    }
    return 0
  }
}

/** The first byte of `null`, and of no other value. */
const LETTER_N = 0x6e

/** Compares from the end, since all keys begin with the prefix. */
function isSame(bytes: Uint8Array, one: number, other: number, length: number): boolean {
  let i = length - 1
  while (i >= 0 && bytes[one + i] === bytes[other + i]) i--
  return i < 0
}
