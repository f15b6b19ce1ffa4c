import type { FieldType } from '../currents/events.ts'
import { type ByteWriter, copyBytes, reserve } from '../json/bytes.ts'
import { KIND } from '../json/kind.ts'
import type { Outputs } from '../mapping/plan.ts'
import type { Protection } from '../mapping/rule-types.ts'
import { createProtector } from './protect.ts'
import type { RecordScanner } from './record-scanner.ts'
import { writeValue } from './write-value.ts'

/**
 * Makes the function that appends keys and values of the outputs that the record has. `isText`: values are text, as CSV has them.
 * `room` is what they may need; it is there at the start.
 */
export function createOutputWriter({
  starts,
  ends,
  kinds,
}: RecordScanner): (out: ByteWriter, outputs: Outputs, bytes: Uint8Array, isText: boolean, room: number) => void {
  const writeProtected = createProtector()

  return function writeOutputs(out, outputs, bytes, isText, room) {
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
      const keyEnd = keyStarts[i + 1] as number
      for (let k = keyStarts[i] as number; k < keyEnd; k++) target[to++] = keys[k] as number
      const protection = protections === null ? null : (protections[i] as Protection | null)
      if (protection !== null) {
        out.length = to
        const type = types[i] as FieldType
        writeProtected(out, protection, bytes, starts[which] as number, ends[which] as number, kind, type, isText)
        reserve(out, room)
        target = out.bytes
        to = out.length
      } else if (kind === KIND.string && !isText) {
        to = copyBytes(target, to, bytes, starts[which] as number, ends[which] as number)
      } else {
        out.length = to
        writeValue(out, bytes, starts[which] as number, ends[which] as number, kind, types[i] as FieldType, isText)
        // Lists and objects take what room they need; the rest must be there again.
        reserve(out, room)
        target = out.bytes
        to = out.length
      }
    }
    out.length = to
  }
}
