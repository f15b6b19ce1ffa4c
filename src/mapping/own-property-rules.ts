import { fieldNameOf } from '../currents/fields.ts'
import { type Literal, textOf, utf8 } from '../json/bytes.ts'
import type { OwnOutline } from './event-outline.ts'
import type { Protection } from './rule-types.ts'

/** What a mapping file asks for properties whose keys only the record knows, as bytes to compare with. */
export interface OwnRules {
  /** Place of the rule for the key in `bytes[start, end)`, the canonical content of a JSON string; -1 when there is none. */
  find(bytes: Uint8Array, start: number, end: number): number
  readonly isDropped: readonly boolean[]
  /** `,"name":` as it is written in the place of prefix and key; null to keep them. */
  readonly names: readonly (Uint8Array | null)[]
  readonly protections: readonly (Protection | null)[]
  /** True when a key without a rule stays behind. */
  readonly dropsOthers: boolean
}

/** How properties are written whose keys only the record knows. */
export interface OwnProperties {
  /** `,"[Custom event property] ` as it is written, before the key. */
  readonly keyStart: Literal
  readonly rules: OwnRules | null
}

/** Null when nothing is asked for. Fields of a record are the same in any spelling, a customer's keys are not. */
export function compileOwnRules({ from, rules, only }: OwnOutline): OwnRules | null {
  if (rules.size === 0 && only === null) return null
  const ignoresCase = from === 'record'
  const keys = [...new Set([...rules.keys(), ...(only?.keys() ?? [])])]
  const lowerKeys = keys.map((key) => key.toLowerCase())
  const keyBytes = (ignoresCase ? lowerKeys : keys).map((key) => utf8(JSON.stringify(key).slice(1, -1)))
  const byLength: number[][] = []
  for (const [i, bytes] of keyBytes.entries()) {
    byLength[bytes.length] ??= []
    byLength[bytes.length]?.push(i)
  }
  return {
    find(bytes, start, end) {
      for (const candidate of byLength[end - start] ?? []) {
        if (isSame(keyBytes[candidate] as Uint8Array, bytes, start, ignoresCase)) return candidate
      }
      return ignoresCase ? lowerKeys.indexOf(fieldNameOf(textOf(bytes, start, end))) : -1
    },
    isDropped: keys.map((key) => (rules.get(key)?.isDropped ?? false) || (only !== null && !only.has(key))),
    names: keys.map((key) => {
      const name = rules.get(key)?.name ?? null
      return name === null ? null : utf8(`,${JSON.stringify(name)}:`)
    }),
    protections: keys.map((key) => rules.get(key)?.protection ?? null),
    dropsOthers: only !== null,
  }
}

function isSame(key: Uint8Array, bytes: Uint8Array, start: number, ignoresCase: boolean): boolean {
  for (let i = 0; i < key.length; i++) {
    const c = bytes[start + i] as number
    const same = c === key[i] || (ignoresCase && c >= 0x41 && c <= 0x5a && c + 0x20 === key[i])
    if (!same) return false
  }
  return true
}
