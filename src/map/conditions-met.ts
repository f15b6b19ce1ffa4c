import { KIND } from '../json/kind.ts'
import type { CompiledCondition } from '../mapping/conditions.ts'
import type { RecordScanner } from './record-scanner.ts'
import { isPresent, isString } from './record-values.ts'
import { createValueText } from './value-text.ts'

/** Makes the function that tells whether the record that the scanner holds meets a condition (src/README.md §3). */
export function createConditionTest(
  scanner: RecordScanner,
): (condition: CompiledCondition, bytes: Uint8Array) => boolean {
  const { starts, ends, kinds } = scanner
  const valueText = createValueText()

  return function isMet({ field, otherField, is, values }, bytes) {
    const which = hasValue(field) ? field : otherField >= 0 && hasValue(otherField) ? otherField : -1
    if (is !== 'one_of') return which >= 0 === (is === 'present')
    if (which < 0) return false
    const start = starts[which] as number
    const end = ends[which] as number
    const kind = kinds[which] as number
    for (const { type, texts } of values) {
      // Text that needs no typing is compared where it stands.
      if (type === 'string' && kind === KIND.string) {
        if (isOneOf(texts, bytes, start + 1, end - 1)) return true
      } else {
        const text = valueText(bytes, start, end, kind, type)
        if (isOneOf(texts, text, 0, text.length)) return true
      }
    }
    return false
  }

  /** CSV cannot tell empty text from null, so that neither is a value in any format. */
  function hasValue(field: number): boolean {
    if (!isPresent(scanner, field)) return false
    return !isString(scanner, field) || (ends[field] as number) - (starts[field] as number) > 2
  }
}

function isOneOf(texts: readonly Uint8Array[], bytes: Uint8Array, start: number, end: number): boolean {
  for (const text of texts) {
    let i = text.length === end - start ? 0 : -1
    while (i >= 0 && i < text.length && text[i] === bytes[start + i]) i++
    if (i === text.length) return true
  }
  return false
}
