import { type ByteWriter, COLON, COMMA, copyBytes, QUOTE, reserve } from '../json/bytes.ts'
import { copyCanonicalContent } from '../json/strings.ts'
import { appendValue, endOfString, endOfValue, kindOf, skipSpace } from '../json/values.ts'
import type { OwnRules } from './own-rules.ts'
import { createProtector } from './protect.ts'

/** How properties are written whose keys only the record knows. */
export interface OwnProperties {
  /** `,"[Custom event property] ` as it is written, before the key. */
  readonly keyStart: Uint8Array
  readonly rules: OwnRules | null
}

/** Makes the function that writes each member of the object at `at`, which must be valid, as a property; nulls are left out. */
export function createMemberWriter(): (out: ByteWriter, own: OwnProperties, source: Uint8Array, at: number) => void {
  const writeProtected = createProtector()

  return function writeMembers(out, own, source, at) {
    let p = skipSpace(source, at + 1)
    while (source[p] === QUOTE) {
      const keyEnd = endOfString(source, p)
      const valueAt = skipSpace(source, skipSpace(source, keyEnd) + 1)
      const valueEnd = endOfValue(source, valueAt)
      const isNull = source[valueAt] === 0x6e
      if (!isNull) writeMember(out, own, source, p, keyEnd, valueAt, valueEnd)
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
    const memberAt = out.length
    reserve(out, keyStart.length + (keyEnd - keyAt) + 8)
    let to = copyBytes(out.bytes, out.length, keyStart, 0, keyStart.length)
    const contentAt = to
    to = copyCanonicalContent(out.bytes, to, source, keyAt + 1, keyEnd - 1)
    const contentEnd = to
    out.bytes[to++] = QUOTE
    out.bytes[to++] = COLON
    out.length = to
    if (rules === null) {
      appendValue(out, source, valueAt, valueEnd)
      return
    }

    const rule = rules.find(out.bytes, contentAt, contentEnd)
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
    const protection = rules.protections[rule]
    if (protection) {
      const kind = kindOf(source, valueAt, valueEnd)
      writeProtected(out, protection, source, valueAt, valueEnd, kind, 'string', false)
    } else {
      appendValue(out, source, valueAt, valueEnd)
    }
  }
}
