import { hasLostSeconds, isPlausibleTime, lacksZone, timeOfInteger, timeOfText } from '../currents/field-values.ts'
import { excerpt } from '../excerpt.ts'
import { textOf } from '../json/bytes.ts'
import { KIND } from '../json/kind.ts'
import { wholeNumberOf } from '../json/values.ts'
import type { RecordScanner } from './record-scanner.ts'
import { isPresent, isString, textOfField } from './record-values.ts'

/** Reads the time of the record that the scanner holds (currents/README.md §3). */
export interface TimeReader {
  /** Milliseconds since 1970; NaN when the record has no time that may be sent: {@link whyNone}. */
  read(bytes: Uint8Array): number
  /** True when the time of the last call is a timestamp that names no zone. */
  lacksZone(): boolean
  /** Why the last call gave NaN: with the value, and the time that it would have been. */
  whyNone(bytes: Uint8Array): string
}

export function createTimeReader(scanner: RecordScanner): TimeReader {
  const { starts, ends, kinds } = scanner
  const field = scanner.fieldOf('time')
  /** The time at hand, when it is neither absent nor a whole number. */
  let text: string | null = null

  /** The text of a number or string; null when the field holds neither. */
  function numberOrText(bytes: Uint8Array): string | null {
    switch (kinds[field]) {
      case KIND.integer:
      case KIND.number:
        return textOf(bytes, starts[field], ends[field])
      case KIND.string:
      case KIND.escapedString:
        return textOfField(scanner, bytes, field)
      default:
        return null
    }
  }

  return {
    read(bytes) {
      text = null
      if (!isPresent(scanner, field)) return Number.NaN
      const quotes = isString(scanner, field) ? 1 : 0
      // Nearly every time is seconds in digits: no text is made of it.
      const whole = wholeNumberOf(bytes, (starts[field] as number) + quotes, (ends[field] as number) - quotes)
      if (whole < 0) text = numberOrText(bytes)
      const ms = whole >= 0 ? timeOfInteger(whole) : text === null ? Number.NaN : timeOfText(text)
      return isPlausibleTime(ms) && (text === null || !hasLostSeconds(text)) ? ms : Number.NaN
    },
    lacksZone: () => text !== null && lacksZone(text),
    whyNone(bytes) {
      if (!isPresent(scanner, field)) return 'time is missing'
      const value = excerpt(textOf(bytes, starts[field], ends[field]))
      const written = numberOrText(bytes)
      const ms = written === null ? Number.NaN : timeOfText(written)
      if (Number.isNaN(ms)) return `time is not a time: ${value}`
      const date = new Date(ms).toISOString()
      if (!isPlausibleTime(ms)) return `time is out of range: ${value} would be ${date}, not from 2000 to 2099`
      return `time has lost its seconds: ${value} would be ${date}; write it again as a whole number of seconds`
    },
  }
}

/** Writes a plausible time, ms since 1970, in digits; gives where they end. Two small integers are quicker than a text of a large one. */
export function writeTime(target: Uint8Array, at: number, ms: number): number {
  const end = at + (ms < 1e12 ? 12 : 13)
  const high = Math.floor(ms / 1e7)
  writeDigits(target, at, end - 7, high)
  writeDigits(target, end - 7, end, ms - high * 1e7)
  return end
}

function writeDigits(target: Uint8Array, start: number, end: number, value: number): void {
  let left = value | 0
  for (let p = end - 1; p >= start; p--) {
    const tenth = (left / 10) | 0
    target[p] = 0x30 + left - tenth * 10
    left = tenth
  }
}
