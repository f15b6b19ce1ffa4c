/**
 * Checks of JSON that a person may have changed. A check takes a value and its place, and gives the value back with its type.
 * It throws `WrongShape`, whose message says where the value is and what was expected.
 *
 * The place is relative to the nearest object or list. Only when a value is wrong, that object or list adds its own place in front:
 * naming every value of every checkpoint would take longer than writing it.
 */
export type Check<T> = (value: unknown, place: string) => T

/** The type of the values that pass a check. A saved format is declared once, as a check, and its type is the check's `Shape`. */
export type Shape<C extends Check<unknown>> = C extends Check<infer T> ? T : never

/** The value is not what the format says. */
export class WrongShape extends Error {
  override readonly name = 'WrongShape'
  readonly place: string
  readonly rule: string

  /** @param rule what must be, as `must be a number` */
  constructor(place: string, rule: string) {
    super(`${place === '' ? 'it' : place} ${rule}`)
    this.place = place
    this.rule = rule
  }
}

function wrong(place: string, expected: string): never {
  throw new WrongShape(place, `must be ${expected}`)
}

/** The error of a value within `place`, with `place` in front. */
function within(place: string, error: unknown): unknown {
  return error instanceof WrongShape ? new WrongShape(placeIn(place, error.place), error.rule) : error
}

/** The place `name` of the value at `place`. */
export function placeIn(place: string, name: string): string {
  return place === '' || name === '' || name.startsWith('[') ? `${place}${name}` : `${place}.${name}`
}

export const text: Check<string> = (value, place) => (typeof value === 'string' ? value : wrong(place, 'a text'))

export const flag: Check<boolean> = (value, place) =>
  typeof value === 'boolean' ? value : wrong(place, 'true or false')

/** A whole number from 0 on: a count, a length, a position. */
export const count: Check<number> = (value, place) =>
  Number.isSafeInteger(value) && (value as number) >= 0 ? (value as number) : wrong(place, 'a whole number from 0 on')

export const number: Check<number> = (value, place) =>
  Number.isFinite(value) ? (value as number) : wrong(place, 'a number')

/** Milliseconds since 1970, or RFC 3339, which a person writes more easily. */
export const time: Check<number> = (value, place) => {
  const isText = typeof value === 'string' && /^\d{4}-\d\d-\d\d[Tt ]\d\d:\d\d/.test(value)
  const ms = isText ? Date.parse(value) : value
  return Number.isFinite(ms) ? (ms as number) : wrong(place, 'ms since 1970 or a time as 2026-01-31T12:00:00Z')
}

export function oneOf<const T extends string | number>(...allowed: readonly T[]): Check<T> {
  return (value, place) => (allowed.includes(value as T) ? (value as T) : wrong(place, allowed.join(' or ')))
}

export function orNull<T>(check: Check<T>): Check<T | null> {
  return (value, place) => (value === null ? null : check(value, place))
}

/** As `orNull`, but the value may be absent: older versions did not write it. */
export function orAbsent<T>(check: Check<T>): Check<T | null> {
  return (value, place) => orNull(check)(value ?? null, place)
}

export function listOf<T>(check: Check<T>): Check<readonly T[]> {
  return (value, place) => {
    if (!Array.isArray(value)) return wrong(place, 'a list')
    let i = 0
    try {
      const checked: T[] = []
      for (; i < value.length; i++) checked.push(check(value[i], ''))
      return checked
    } catch (error) {
      throw within(`${place}[${i}]`, error)
    }
  }
}

export function pairOf<A, B>(first: Check<A>, second: Check<B>): Check<readonly [A, B]> {
  return (value, place) => {
    if (!Array.isArray(value) || value.length !== 2) return wrong(place, 'a pair')
    try {
      return [first(value[0], '[0]'), second(value[1], '[1]')]
    } catch (error) {
      throw within(place, error)
    }
  }
}

/** Adds to `check` a rule that it cannot express: `rule` throws `WrongShape`. */
export function withRule<T>(check: Check<T>, rule: (value: T, place: string) => void): Check<T> {
  return (value, place) => {
    const checked = check(value, place)
    rule(checked, place)
    return checked
  }
}

/** A table need not have every name that this version knows. */
type TableOf<T, Name extends string> = Readonly<string extends Name ? Record<Name, T> : Partial<Record<Name, T>>>

/** An object used as a table: any key, one kind of value. `Name` are the keys that this version writes. */
export function tableOf<T, Name extends string = string>(check: Check<T>): Check<TableOf<T, Name>> {
  return (value, place) => {
    const given = object(value, place)
    try {
      return Object.fromEntries(Object.entries(given).map(([key, each]) => [key, check(each, key)])) as TableOf<T, Name>
    } catch (error) {
      throw within(place, error)
    }
  }
}

/** An object with these keys. The result leaves out all other keys. */
export function objectOf<const Checks extends Readonly<Record<string, Check<unknown>>>>(
  checks: Checks,
): Check<{ readonly [Key in keyof Checks]: Shape<Checks[Key]> }> {
  type T = { readonly [Key in keyof Checks]: Shape<Checks[Key]> }
  const entries = Object.entries(checks)
  return (value, place) => {
    const given = object(value, place)
    try {
      const checked: Record<string, unknown> = {}
      for (const [key, check] of entries) checked[key] = check(given[key], key)
      return checked as T
    } catch (error) {
      throw within(place, error)
    }
  }
}

function object(value: unknown, place: string): Record<string, unknown> {
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value as Record<string, unknown>
  return wrong(place, 'an object')
}
