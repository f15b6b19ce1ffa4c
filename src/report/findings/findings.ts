import type { CheckedSection, Severity } from '../../model.ts'
import { jsonFindings } from './findings-json.ts'
import { githubFindings } from './github.ts'
import { humanFindings } from './human.ts'
import { junitFindings } from './junit.ts'

/** Forms in which findings can be had; `--output`. */
export const FINDING_OUTPUTS = ['human', 'json', 'junit', 'github'] as const
export type FindingOutput = (typeof FINDING_OUTPUTS)[number]

interface FindingsReport {
  readonly sections: readonly CheckedSection[]
  /** Records read; null when none were to be. */
  readonly read: number | null
  readonly failsOn: Severity
}

/** All findings in one of the forms, as text for standard output. */
export function findingsText(output: FindingOutput, { sections, read, failsOn }: FindingsReport): string {
  switch (output) {
    case 'human':
      return humanFindings(sections)
    case 'json':
      return jsonFindings(sections, read)
    case 'junit':
      return junitFindings(sections, failsOn)
    case 'github':
      return githubFindings(sections)
  }
}
