import { unionValue } from '../json/avro-union.ts'
import { type ByteWriter, CLOSE_BRACE, NEWLINE, OPEN_BRACE, utf8 } from '../json/bytes.ts'
import { membersOf } from '../json/members.ts'
import type { OwnProperties } from '../mapping/own-property-rules.ts'
import { createMemberWriter } from './member-writer.ts'
import { isNesting } from './record-fields.ts'

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
  isHttpForm: boolean,
) => void {
  const writeMembers = createMemberWriter()

  return function writeDerivedProperties(out, own, bytes, start, isHttpForm) {
    for (const field of membersOf(bytes, start)) {
      if (isHttpForm && isNesting(bytes, field)) {
        writeMembers(out, own, bytes, field.start)
        continue
      }
      const inner = bytes[field.start] === OPEN_BRACE ? unionValue(bytes, field.start) : null
      const { start: valueStart, end: valueEnd } = inner ?? field
      const member = Buffer.concat([
        Uint8Array.of(OPEN_BRACE),
        utf8(`${JSON.stringify(field.key)}:`),
        bytes.subarray(valueStart, valueEnd),
        Uint8Array.of(CLOSE_BRACE, NEWLINE),
      ])
      writeMembers(out, own, member, 0)
    }
  }
}
