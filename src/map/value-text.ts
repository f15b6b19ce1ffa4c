import type { FieldType } from '../currents/events.ts'
import { createByteWriter, QUOTE, reserve } from '../json/bytes.ts'
import { unescapeContent } from '../json/strings.ts'
import { MAX_NUMBER_BYTES } from '../json/values.ts'
import { writeValue } from './write-value.ts'

/**
 * Makes the function that gives the UTF-8 text of a value as an event would have it: that of a string, without quotes and escapes, or the
 * JSON text of anything else. The bytes are good until the next call. The parameters are those of `writeValue`.
 */
export function createValueText(): (
  source: Uint8Array,
  start: number,
  end: number,
  kind: number,
  type: FieldType,
) => Uint8Array {
  const value = createByteWriter(1024)
  const content = createByteWriter(1024)

  return function valueText(source, start, end, kind, type) {
    value.length = 0
    reserve(value, end - start + MAX_NUMBER_BYTES)
    writeValue(value, source, start, end, kind, type)
    if (value.bytes[0] !== QUOTE) return value.bytes.subarray(0, value.length)
    content.length = 0
    reserve(content, value.length)
    content.length = unescapeContent(content.bytes, 0, value.bytes, 1, value.length - 1)
    return content.bytes.subarray(0, content.length)
  }
}
