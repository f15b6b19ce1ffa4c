import { type Command, Option } from 'commander'
import type { CheckedSection } from '../../model.ts'
import { FINDING_OUTPUTS, type FindingOutput } from '../../report/findings/findings.ts'
import { countOf } from '../../report/findings/order.ts'

/** Options of every command whose result is a list of findings. */
export interface FindingFlags {
  readonly output: FindingOutput
  readonly failOn: 'error' | 'warning'
}

export function addFindingOptions(command: Command): void {
  command
    .addOption(new Option('--output <form>', 'form of the findings').choices(FINDING_OUTPUTS).default('human'))
    .addOption(
      new Option('--fail-on <severity>', 'exit 3 from this severity on').choices(['error', 'warning']).default('error'),
    )
}

/** True when findings make a command fail. */
export function hasFailed(sections: readonly CheckedSection[], failOn: FindingFlags['failOn']): boolean {
  return countOf(sections, 'error') > 0 || (failOn === 'warning' && countOf(sections, 'warning') > 0)
}
