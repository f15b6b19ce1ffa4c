import { createHmac, hash } from 'node:crypto'
import type { FieldType } from '../currents/events.ts'
import { append, type ByteWriter, createByteWriter, QUOTE, reserve, utf8 } from '../json/bytes.ts'
import { unescapeContent } from '../json/strings.ts'
import { MAX_NUMBER_BYTES } from '../json/values.ts'
import type { Protection } from '../mapping/rule-types.ts'
import { writeValue } from './write-value.ts'

const REDACTED = utf8('"[REDACTED]"')

/**
 * Makes the function that appends what takes a value's place: `[REDACTED]`, or the hex digits of its SHA-256 or HMAC-SHA-256.
 * Strings are hashed as Braze's connector does, by their UTF-8 text alone (currents/README.md §5); other
 * values by their JSON text, so that none goes out unprotected.
 */
export function createProtector(): (
  out: ByteWriter,
  protection: Protection,
  source: Uint8Array,
  start: number,
  end: number,
  kind: number,
  type: FieldType,
) => void {
  const value = createByteWriter(1024)
  const content = createByteWriter(1024)

  return function writeProtected(out, protection, source, start, end, kind, type) {
    if (protection.by === 'redact') {
      append(out, REDACTED)
      return
    }
    value.length = 0
    reserve(value, end - start + MAX_NUMBER_BYTES)
    writeValue(value, source, start, end, kind, type)
    const digest = digestOf(protection, textOfValue())
    append(out, utf8(`"${digest}"`))
  }

  /** The text of the string in `value`, or the JSON text of anything else. */
  function textOfValue(): Uint8Array {
    if (value.bytes[0] !== QUOTE) return value.bytes.subarray(0, value.length)
    content.length = 0
    reserve(content, value.length)
    content.length = unescapeContent(content.bytes, 0, value.bytes, 1, value.length - 1)
    return content.bytes.subarray(0, content.length)
  }
}

function digestOf(protection: Exclude<Protection, { readonly by: 'redact' }>, text: Uint8Array): string {
  return protection.by === 'sha256'
    ? hash('sha256', text, 'hex')
    : createHmac('sha256', protection.key).update(text).digest('hex')
}
