import { existsSync, readFileSync } from 'node:fs'
import { UsageError } from '../../errors.ts'
import { compileMapping, type Mapping } from '../../mapping/plan.ts'
import type { Finding } from '../../model.ts'
import { findingPlace } from '../../report/findings/order.ts'
import { type MappingFlags, mappingOptionsOf } from './input-options.ts'

/** Picked up from the working directory when `--mapping` names no file. */
export const DEFAULT_MAPPING_FILE = 'braze2amp.yaml'

export interface LoadedMapping {
  readonly mapping: Mapping
  /** The mapping file; null for none. */
  readonly file: string | null
  readonly findings: readonly Finding[]
}

/** The mapping file to use; null for none. */
export function mappingFileOf(flags: MappingFlags, tell: (line: string) => void): string | null {
  if (flags.mapping === false) return null
  if (flags.mapping !== undefined) return flags.mapping
  if (!existsSync(DEFAULT_MAPPING_FILE)) return null
  tell(`mapping: ${DEFAULT_MAPPING_FILE}, found in the working directory (--no-mapping ignores it)`)
  return DEFAULT_MAPPING_FILE
}

/**
 * Reads the mapping file, if there is one, and compiles it, whatever is wrong with it.
 * @throws UsageError when the file cannot be read
 */
export async function loadMapping(flags: MappingFlags, file: string | null): Promise<LoadedMapping> {
  if (file === null) return { mapping: compileMapping(mappingOptionsOf(flags)), file, findings: [] }
  const text = readText(file)
  // Loaded by those alone who have a mapping file: parser and schema take longer to load than a small run takes.
  const { readMapping } = await import('../../mapping/mapping-file.ts')
  const { rules, findings } = readMapping(file, text, flags.profile ?? null, process.env)
  const options = mappingOptionsOf({ ...flags, profile: flags.profile ?? rules.extends ?? 'braze' })
  return { mapping: compileMapping(options, rules), file, findings }
}

/**
 * The mapping of a command that is to use it.
 * @throws UsageError when the mapping file has errors: it names them all
 */
export async function usableMapping(flags: MappingFlags, tell: (line: string) => void): Promise<Mapping> {
  const { mapping, file, findings } = await loadMapping(flags, mappingFileOf(flags, tell))
  const errors = findings.filter(({ severity }) => severity === 'error')
  if (errors.length > 0) {
    const list = errors.map(
      (error) => `\n  ${findingPlace(error)} ${error.path ? `${error.path}: ` : ''}${error.message}`,
    )
    throw new UsageError(`the mapping file ${file} has ${errors.length} errors:${list.join('')}`, {
      hint: `braze2amp mapping check ${file} lists them with warnings; braze2amp mapping schema describes the format.`,
    })
  }
  for (const finding of findings) tell(`${findingPlace(finding)} warning ${finding.message}`)
  return mapping
}

function readText(file: string): string {
  try {
    return readFileSync(file, 'utf8')
  } catch (cause) {
    throw new UsageError(`cannot read the mapping file ${file}: ${(cause as Error).message}`, {
      cause,
      hint: 'braze2amp mapping init writes a commented one.',
    })
  }
}
