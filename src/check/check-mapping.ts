import { mappingHash } from '../mapping/mapping-hash.ts'
import type { Mapping } from '../mapping/plan.ts'
import type { CheckedSection, Finding } from '../model.ts'

/** What was found in a mapping file, each finding a group of its own; its effect, when nothing was. */
export function checkedMapping(file: string, mapping: Mapping, findings: readonly Finding[]): CheckedSection {
  return {
    name: 'mapping',
    passed: findings.length > 0 ? [] : [{ name: file, detail: `effect ${mappingHash(mapping)}` }],
    groups: findings.map((finding) => {
      const { severity, cause, message } = finding
      return { severity, cause, title: message, count: 1, examples: [finding] }
    }),
  }
}
