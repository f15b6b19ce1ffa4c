import { eachRejected, placeInInput, placeText } from '../chunk.ts'
import type { Braze2ampError } from '../errors.ts'
import type { MappedChunk } from '../model.ts'
import { style } from './style.ts'

/** Problems shown in full; further ones are only counted (the end report has the sums). */
const SHOWN_IN_FULL = 10

/** Says what is wrong with rejected records, the first ones one by one. */
interface ProblemReporter {
  see(chunk: MappedChunk): void
}

export function createProblemReporter(print: (line: string) => void): ProblemReporter {
  let count = 0
  return {
    see(chunk) {
      eachRejected(chunk, (index, reason, detail) => {
        count++
        if (count === SHOWN_IN_FULL + 1) print(style.dim('further problems are counted, not shown'))
        if (count <= SHOWN_IN_FULL) print(`${style.red(reason)} ${placesText(chunk, index)}: ${detail}`)
      })
    },
  }
}

/** What is shown of an input that cannot be read. */
export function refusalText({ message, hint }: Braze2ampError): string {
  return `${style.red('refused')} ${message}${hint ? `\n  ${hint}` : ''}`
}

/** Where a record stands: `file:line`, or its number where the format has no lines; of a letter, also where its record stood. */
function placesText({ raw }: MappedChunk, index: number): string {
  const letter = raw.letters?.[index]
  const place = placeText(placeInInput(raw, index))
  return letter ? `${place} (from ${placeText(letter)})` : place
}
