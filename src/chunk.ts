import type { MappedChunk, Place, RawChunk, RejectReason, Warning } from './model.ts'
import { EVENT, OUTCOMES, type Outcome, WARNINGS } from './outcomes.ts'

/** Reads the columns of a chunk: where its events and records are, what they are called, what became of them. */

/** Bytes `[start, end)` of a chunk. */
export interface Span {
  readonly start: number
  readonly end: number
}

/** The first byte of event `index`: where the one before ends. */
export function startOfEvent(eventEnds: Int32Array, index: number): number {
  return index === 0 ? 0 : (eventEnds[index - 1] as number)
}

/** The serialised event `index`, without its newline; a view of the chunk. */
export function eventBytes({ bytes, eventEnds }: MappedChunk, index: number): Uint8Array {
  return bytes.subarray(startOfEvent(eventEnds, index), (eventEnds[index] as number) - 1)
}

/** Where record `index` is in the chunk's own bytes: its JSON text, unless the cutter found its fields. */
export function recordSpan({ starts, ends }: RawChunk, index: number): Span {
  return { start: starts[index] as number, end: ends[index] as number }
}

/** The content of the `user_id` of event `index` in the chunk's `bytes`, escapes and all; empty when it has none. */
export function userSpan({ userStarts, userEnds }: MappedChunk, index: number): Span {
  return { start: userStarts[index] as number, end: userEnds[index] as number }
}

/** The content of the `device_id` of event `index`, as in `userSpan`. */
export function deviceSpan({ deviceStarts, deviceEnds }: MappedChunk, index: number): Span {
  return { start: deviceStarts[index] as number, end: deviceEnds[index] as number }
}

/** The event type of record `index`; null when it has none. */
export function typeNameOf({ types, typeNames }: MappedChunk, index: number): string | null {
  return typeNames[types[index] as number] ?? null
}

/** What became of record `index`; undefined when it does not count as read (`DROPPED`). */
export function outcomeAt({ outcomes }: MappedChunk, index: number): Outcome | undefined {
  return OUTCOMES[outcomes[index] as number]
}

/** The warnings that record `index` has. */
export function warningsAt({ warnings }: MappedChunk, index: number): readonly Warning[] {
  const bits = warnings[index] as number
  return bits === 0 ? [] : WARNINGS.filter((_, bit) => (bits & (1 << bit)) !== 0)
}

/** Calls `visit` with every record that is an event; `end` is behind its newline. */
export function eachEvent(
  { count, outcomes, eventEnds }: MappedChunk,
  visit: (index: number, start: number, end: number) => void,
): void {
  let start = 0
  for (let index = 0; index < count; index++) {
    const end = eventEnds[index] as number
    if (outcomes[index] === EVENT) visit(index, start, end)
    start = end
  }
}

/** Calls `visit` with every record that was rejected before anything was sent, and why. */
export function eachRejected(
  chunk: MappedChunk,
  visit: (index: number, reason: RejectReason, detail: string) => void,
): void {
  for (const [index, detail] of chunk.details) {
    const outcome = outcomeAt(chunk, index)
    if (index < chunk.count && outcome?.is === 'rejected') visit(index, outcome.reason, detail)
  }
}

/** Where record `index` stands in its input. */
export function placeInInput({ source, positions, lines }: RawChunk, index: number): Place {
  return { path: source.path, position: positions[index] as number, line: lines?.[index] ?? null }
}

/** Where record `index` stands; where it first stood, when it comes from a letter. */
export function placeOf(raw: RawChunk, index: number): Place {
  const letter = raw.letters?.[index]
  if (!letter) return placeInInput(raw, index)
  return { path: letter.path, position: letter.position, line: letter.line }
}

/** `file:line`, or the record's number where the format has no lines. */
export function placeText({ path, position, line }: Pick<Place, 'path' | 'position' | 'line'>): string {
  return line === null ? `${path}, record ${position + 1}` : `${path}:${line}`
}
