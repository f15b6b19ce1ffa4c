import type { FieldType } from '../currents/events.ts'
import { type ByteWriter, COLON, COMMA, copyText, MINUS, reserve, type TextView } from '../json/bytes.ts'
import { KIND } from '../json/kind.ts'
import type { Outputs } from '../mapping/plan.ts'
import type { Protection } from '../mapping/rule-types.ts'
import { createProtector } from './protect.ts'
import type { RecordScanner } from './record-scanner.ts'
import { isEmptyText } from './record-values.ts'
import { writeValue } from './write-value.ts'

/**
 * Makes the function that appends keys and values of the outputs that the record has. `room` is what they may need; it is there at the
 * start. An empty text in a field of numbers, booleans or lists is none.
 *
 * Where the record has key and value as the event will have them, both are copied at once, together with those that follow in both.
 */
export function createOutputWriter({
  starts,
  ends,
  kinds,
  memberStarts,
}: RecordScanner): (out: ByteWriter, outputs: Outputs, source: TextView, room: number) => void {
  const writeProtected = createProtector()

  return function writeOutputs(out, outputs, source, room) {
    const { keys, keyStarts, keepsName, fields, otherFields, types, plainKinds } = outputs
    const { bytes } = source
    let to = out.length
    /** Members `[runStart, runEnd)` of the record that are to be copied next; none when the end is -1. */
    let runStart = 0
    let runEnd = -1
    for (let i = 0; i < fields.length; i++) {
      let field = fields[i] as number
      let keeps = keepsName[i] === 1
      if ((kinds[field] as number) <= KIND.null) {
        field = otherFields[i] as number
        if (field < 0 || (kinds[field] as number) <= KIND.null) continue
        keeps = false
      }
      const kind = kinds[field] as number
      const start = starts[field] as number
      const end = ends[field] as number
      const isPlain = ((plainKinds[i] as number) & (1 << kind)) !== 0 && bytes[start] !== MINUS
      const memberStart = memberStarts[field] as number
      const isMember = isPlain && keeps && memberStart >= 0 && bytes[start - 1] === COLON
      if (isMember && memberStart === runEnd) {
        runEnd = end
        continue
      }
      if (runEnd >= 0) to = copyMembers(out, to, source, runStart, runEnd)
      runEnd = -1
      if (isMember) {
        runStart = memberStart
        runEnd = end
        continue
      }
      const type = types[i] as FieldType
      if (type !== 'string' && type !== 'any' && isEmptyText(kind, start, end)) continue
      to = copyText(out, to, keys, keyStarts[i] as number, keyStarts[i + 1] as number)
      if (isPlain) {
        to = copyText(out, to, source, start, end)
        continue
      }
      out.length = to
      const protection = outputs.protections === null ? null : (outputs.protections[i] as Protection | null)
      if (protection !== null) writeProtected(out, protection, bytes, start, end, kind, type)
      else writeValue(out, bytes, start, end, kind, type)
      // Some values take what room they need; the rest must be there again.
      reserve(out, room)
      to = out.length
    }
    out.length = runEnd >= 0 ? copyMembers(out, to, source, runStart, runEnd) : to
  }
}

/** Copies members, of which the first may have a brace or white space before it in the place of a comma. */
function copyMembers(out: ByteWriter, at: number, source: TextView, start: number, end: number): number {
  const to = copyText(out, at, source, start, end)
  out.bytes[at] = COMMA
  return to
}
