import { unionValue } from '../json/avro-union.ts'
import { type ByteWriter, CLOSE_BRACE, NEWLINE, OPEN_BRACE, utf8 } from '../json/bytes.ts'
import { membersOf } from '../json/members.ts'
import type { OwnProperties } from '../mapping/own-rules.ts'
import { createMemberWriter } from './member-writer.ts'

/**
 * Makes the function that writes every field of the record at `start` as a property: what an event type becomes that the
 * catalogue lacks (`unknown_events: derive`). Union wrappers are taken off; the fields of the Custom HTTP form's `user` and
 * `properties` are the record's own.
 */
export function createDerivedPropertyWriter(): (
  out: ByteWriter,
  own: OwnProperties,
  bytes: Uint8Array,
  start: number,
) => void {
  const writeMembers = createMemberWriter()

  return function writeDerivedProperties(out, own, bytes, start) {
    const members = membersOf(bytes, start)
    const isHttpForm = members.some((member) => member.key === 'user' && bytes[member.start] === OPEN_BRACE)
    for (const { key, start: at, end } of members) {
      const isObject = bytes[at] === OPEN_BRACE
      if (isHttpForm && isObject && (key === 'user' || key === 'properties')) {
        writeMembers(out, own, bytes, at)
        continue
      }
      const inner = isObject ? unionValue(bytes, at) : null
      const value = inner === null ? bytes.subarray(at, end) : bytes.subarray(inner.start, inner.end)
      const member = Buffer.concat([
        Uint8Array.of(OPEN_BRACE),
        utf8(`${JSON.stringify(key)}:`),
        value,
        Uint8Array.of(CLOSE_BRACE, NEWLINE),
      ])
      writeMembers(out, own, member, 0)
    }
  }
}
