import { crypto } from '../crypto.ts'
import type { FieldType } from '../currents/events.ts'
import { append, type ByteWriter, utf8 } from '../json/bytes.ts'
import type { Protection } from '../mapping/rule-types.ts'
import { createValueText } from './value-text.ts'

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
  const valueText = createValueText()

  return function writeProtected(out, protection, source, start, end, kind, type) {
    if (protection.by === 'redact') {
      append(out, REDACTED)
      return
    }
    const digest = digestOf(protection, valueText(source, start, end, kind, type))
    append(out, utf8(`"${digest}"`))
  }
}

function digestOf(protection: Exclude<Protection, { readonly by: 'redact' }>, text: Uint8Array): string {
  return protection.by === 'sha256'
    ? crypto().hash('sha256', text, 'hex')
    : crypto().createHmac('sha256', protection.key).update(text).digest('hex')
}
