import type { Braze2ampError } from '../errors.ts'
import type { Source } from '../model.ts'
import type { FindingCollector } from './collector.ts'

/** Adds a file that could not be read: why, and what to do. */
export function addRefused(findings: FindingCollector, { path }: Source, { message, hint }: Braze2ampError): void {
  const what = message.replace(path, 'the file')
  findings.add('error', 'refused', what, { file: path, line: null }, hint ? `${what}. ${hint}` : what)
}
