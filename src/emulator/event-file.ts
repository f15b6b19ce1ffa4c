import { closeSync, openSync, writeSync } from 'node:fs'
import { UsageError } from '../errors.ts'
import type { RawEvent } from './validate-event.ts'

export interface EventFile {
  append(events: readonly RawEvent[]): void
  close(): void
}

/**
 * Appends events as NDJSON, synchronously: what was answered is in the file, in the order of arrival. Without a path it keeps nothing.
 * Throws a UsageError when the file cannot be opened.
 */
export function openEventFile(path: string | undefined): EventFile {
  if (path === undefined) return { append() {}, close() {} }
  const file = openForAppend(path)
  return {
    append(events) {
      const lines = Buffer.from(events.map((event) => `${JSON.stringify(event)}\n`).join(''))
      for (let written = 0; written < lines.length; ) written += writeSync(file, lines, written)
    },
    close: () => closeSync(file),
  }
}

function openForAppend(path: string): number {
  try {
    return openSync(path, 'a')
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause)
    throw new UsageError(`The events cannot be kept in ${path}: ${reason}.`, {
      hint: 'Give --keep-events a file in a directory that exists and can be written.',
      cause,
    })
  }
}
