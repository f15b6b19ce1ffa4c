import { Braze2ampError, UsageError } from '../errors.ts'
import type { Source } from '../model.ts'
import { type OpenInput, openInput, type ReadOptions } from './open.ts'

/** An input that is open, or why it cannot be opened. Whoever takes an open one closes it. */
export type Opened =
  | { readonly source: Source; readonly input: OpenInput }
  | { readonly source: Source; readonly error: Braze2ampError }

/** Opens inputs in order, one ahead: an hourly export is thousands of small files, and opening takes as long as reading. */
export async function* openAhead(sources: Iterable<Source>, options: ReadOptions): AsyncGenerator<Opened> {
  const rest = sources[Symbol.iterator]()
  let ahead = openNext(rest, options)
  try {
    for (let opened = await ahead; opened !== null; opened = await ahead) {
      ahead = openNext(rest, options)
      yield opened
    }
  } finally {
    // The input is not awaited: it may be a pipe that nobody writes to.
    void ahead.then((unused) => (unused !== null && 'input' in unused ? unused.input.close() : undefined))
  }
}

async function openNext(rest: Iterator<Source>, options: ReadOptions): Promise<Opened | null> {
  const next = rest.next()
  if (next.done === true) return null
  const source = next.value
  try {
    return { source, input: await openInput(source, options) }
  } catch (cause) {
    options.gate?.left(source)
    if (cause instanceof Braze2ampError) return { source, error: cause }
    return { source, error: new UsageError(`cannot read ${source.path}: ${(cause as Error).message}`, { cause }) }
  }
}
