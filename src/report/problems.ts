import type { MappedChunk } from '../model.ts'
import { OUTCOMES } from '../outcomes.ts'
import { style } from './style.ts'

/** Problems shown in full; further ones are only counted (the end report has the sums). */
const SHOWN_IN_FULL = 10

/** Says what is wrong with rejected records, the first ones one by one. */
export interface ProblemReporter {
  see(chunk: MappedChunk): void
  /** Problems that were not shown. */
  unshown(): number
}

export function createProblemReporter(print: (line: string) => void): ProblemReporter {
  let count = 0
  return {
    see(chunk) {
      if (chunk.details.size === 0) return
      for (const [index, detail] of chunk.details) {
        const outcome = OUTCOMES[chunk.outcomes[index] as number]
        if (index >= chunk.count || outcome?.is !== 'rejected') continue
        count++
        if (count === SHOWN_IN_FULL + 1) print(style.dim('further problems are counted, not shown'))
        if (count <= SHOWN_IN_FULL) print(`${style.red(outcome.reason)} ${placeOf(chunk, index)}: ${detail}`)
      }
    },
    unshown: () => Math.max(0, count - SHOWN_IN_FULL),
  }
}

/** Where a record stands: `file:line`, or its number where the format has no lines; of a letter, also where its record stood. */
function placeOf({ raw }: MappedChunk, index: number): string {
  const letter = raw.letters?.[index]
  const place = placeText(raw.source.path, raw.positions[index] as number, raw.lines?.[index] ?? null)
  return letter ? `${place} (from ${placeText(letter.path, letter.position, letter.line)})` : place
}

function placeText(path: string, position: number, line: number | null): string {
  return line === null ? `${path}, record ${position + 1}` : `${path}:${line}`
}
