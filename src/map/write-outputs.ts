import type { FieldType } from '../currents/events.ts'
import { type ByteWriter, copyBytes, reserve } from '../json/bytes.ts'
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
 */
export function createOutputWriter({
  starts,
  ends,
  kinds,
}: RecordScanner): (out: ByteWriter, outputs: Outputs, bytes: Uint8Array, room: number) => void {
  const writeProtected = createProtector()

  return function writeOutputs(out, outputs, bytes, room) {
    const { keys, keyStarts, fields, otherFields, types, protections } = outputs
    let target = out.bytes
    let to = out.length
    for (let i = 0; i < fields.length; i++) {
      let which = fields[i] as number
      if ((kinds[which] as number) <= KIND.null) {
        which = otherFields[i] as number
        if (which < 0 || (kinds[which] as number) <= KIND.null) continue
      }
      const kind = kinds[which] as number
      const type = types[i] as FieldType
      const start = starts[which] as number
      const end = ends[which] as number
      if (type !== 'string' && type !== 'any' && isEmptyText(kind, start, end)) continue
      const keyEnd = keyStarts[i + 1] as number
      for (let k = keyStarts[i] as number; k < keyEnd; k++) target[to++] = keys[k] as number
      const protection = protections === null ? null : (protections[i] as Protection | null)
      if (protection !== null) {
        out.length = to
        writeProtected(out, protection, bytes, start, end, kind, type)
        reserve(out, room)
        target = out.bytes
        to = out.length
      } else if (kind === KIND.string && type === 'string') {
        to = copyBytes(target, to, bytes, start, end)
      } else {
        out.length = to
        writeValue(out, bytes, start, end, kind, type)
        // Lists and objects take what room they need; the rest must be there again.
        reserve(out, room)
        target = out.bytes
        to = out.length
      }
    }
    out.length = to
  }
}
