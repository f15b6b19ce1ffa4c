import { createChunkMapper } from '../../src/map/map-chunk.ts'
import { readMapping } from '../../src/mapping/mapping-file.ts'
import { compileMapping, type Mapping } from '../../src/mapping/plan.ts'
import type { Finding } from '../../src/model.ts'
import { type Mapped, outcomesOf, PLAIN, rawChunk } from '../harness.ts'

export const ENVIRONMENT = { HMAC_KEY: 'a key' }

/** What is wrong with a mapping file of this text. */
export function findingsIn(text: string): readonly Finding[] {
  return readMapping('m.yaml', text, null, ENVIRONMENT).findings
}

/** The mapping of a file that has no errors. */
export function mappingOf(text: string): Mapping {
  const { rules, findings } = readMapping('m.yaml', text, null, ENVIRONMENT)
  const errors = findings.filter(({ severity }) => severity === 'error')
  if (errors.length > 0) throw new Error(errors.map(({ path, message }) => `${path}: ${message}`).join('\n'))
  return compileMapping({ ...PLAIN, profile: rules.extends ?? 'braze' }, rules)
}

/** What a record of `type` becomes under a mapping file. */
export function mapUnder(text: string, record: object, type: string): Mapped {
  const full = { id: 'e-1', external_user_id: 'u-1', time: 1767319200, ...record }
  const chunk = rawChunk([Buffer.from(JSON.stringify(full))], { fileType: type })
  return outcomesOf(createChunkMapper(mappingOf(text))(chunk))[0] as Mapped
}

/** The event that a record of `type` becomes under a mapping file. */
export function eventUnder(text: string, record: object, type: string) {
  const { line, outcome, detail } = mapUnder(text, record, type)
  if (line === null) throw new Error(`${outcome}: ${detail}`)
  return JSON.parse(line)
}
