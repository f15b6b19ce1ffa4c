import type { EventRow, FieldType } from '../currents/events.ts'
import { booleanOf, numberText } from '../currents/field-values.ts'
import { fieldType } from '../currents/fields.ts'
import { utf8 } from '../json/bytes.ts'
import type { Condition, Conditions, ConditionValue, RuleOrigin } from './rule-types.ts'

/** A condition on the records of one event type (src/README.md §3), not yet compiled. */
export interface OutlinedCondition {
  readonly field: string
  /** The field that holds the value when `field` is absent. */
  readonly otherField: string | null
  /** What the catalogue says that the field holds. */
  readonly type: FieldType
  readonly condition: Condition
}

/** The same as numbers of fields and bytes to compare with. */
export interface CompiledCondition {
  readonly field: number
  /** The field that is looked at when `field` is absent, or -1. */
  readonly otherField: number
  readonly is: Condition['is']
  /** The values that meet it, by the type under which the record's value is compared with them. */
  readonly values: readonly ComparedValues[]
  readonly origin: RuleOrigin
}

interface ComparedValues {
  readonly type: FieldType
  readonly texts: readonly Uint8Array[]
}

/** @param row null for a type that the catalogue lacks */
export function outlineConditions(when: Conditions, row: EventRow | null): readonly OutlinedCondition[] {
  return Array.from(when, ([field, condition]) => ({
    field,
    otherField: row?.propertySources?.[field] ?? null,
    type: row === null ? 'any' : fieldType(row, field),
    condition,
  }))
}

/** @param numberOf the number of a field */
export function compileCondition(
  { field, otherField, type, condition }: OutlinedCondition,
  numberOf: (field: string) => number,
): CompiledCondition {
  const byType = new Map<FieldType, Uint8Array[]>()
  for (const value of condition.is === 'one_of' ? condition.values : []) {
    const text = comparedText(value, type)
    if (text === null) continue
    const texts = byType.get(comparedAs(value, type)) ?? []
    byType.set(comparedAs(value, type), [...texts, utf8(text)])
  }
  return {
    field: numberOf(field),
    otherField: otherField === null ? -1 : numberOf(otherField),
    is: condition.is,
    values: Array.from(byType, ([of, texts]) => ({ type: of, texts })),
    origin: condition.origin,
  }
}

/** What makes two conditions the same: where the values stand in the file does not count, nor their order. */
export function conditionDigest({ field, otherField, type, condition }: OutlinedCondition): unknown {
  const values = condition.is === 'one_of' ? condition.values : []
  const texts = values.map((value) => `${comparedAs(value, type)} ${comparedText(value, type)}`)
  return [field, otherField, condition.is, [...new Set(texts)].toSorted()]
}

/**
 * The text of a condition's value in the form in which the record's value is compared with it; null when the field cannot hold it. It is
 * the text that an event would have, so that a condition is the same for CSV, JSON and Avro.
 */
export function comparedText(value: ConditionValue, type: FieldType): string | null {
  const text = String(value)
  switch (comparedAs(value, type)) {
    case 'boolean':
      return booleanOf(text)?.toString() ?? null
    case 'int':
    case 'double':
      return numberText(text, false)
    case 'float':
      return numberText(text, true)
    case 'string':
    case 'any':
      return text
    case 'strings':
      return null
  }
}

/** The catalogue's type; of a field that holds text, and of one that the catalogue lacks, the type of the value in the mapping file. */
function comparedAs(value: ConditionValue, type: FieldType): FieldType {
  if (type !== 'string' && type !== 'any') return type
  return typeof value === 'number' ? 'double' : typeof value === 'boolean' ? 'boolean' : 'string'
}
