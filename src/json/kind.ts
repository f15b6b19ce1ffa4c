/** What a value is, by its text. Numbers come as `integer` (digits only, kept digit for digit) and `number`. */
export const KIND = {
  none: 0,
  null: 1,
  /** A string without escapes: its bytes are canonical. */
  string: 2,
  escapedString: 3,
  integer: 4,
  number: 5,
  true: 6,
  false: 7,
  array: 8,
  object: 9,
} as const

/** True when a value is a string. */
export function isStringKind(kind: number): boolean {
  return kind === KIND.string || kind === KIND.escapedString
}
