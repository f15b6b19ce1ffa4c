import { UsageError } from '../errors.ts'
import { ownCommand } from '../own-command.ts'
import { type Advice, detectFormat, type Format } from './detect.ts'
import type { OpenInput } from './open.ts'

/**
 * The format of an open input, found by its first bytes, which are still there to read afterwards; null when it is empty.
 * @param paths those that the user gave: the advice repeats the command
 * @throws UsageError when the format is one that is not read; its hint is the line to type instead
 */
export async function chooseFormat(
  input: OpenInput,
  forced: Format | null,
  paths: readonly string[],
): Promise<{ readonly format: Format | null; readonly input: OpenInput }> {
  if (forced !== null) return { format: forced, input }
  const parts: Uint8Array[] = []
  let head: Uint8Array = new Uint8Array(0)
  for (;;) {
    const next = await input.read()
    if (next !== null) {
      parts.push(next)
      head = parts.length === 1 ? next : Buffer.concat(parts)
    }
    const found = detectFormat(head, next === null, input.source.path)
    switch (found.is) {
      case 'format':
        return { format: found.format, input: startingWith(input, head) }
      case 'empty':
        return { format: input.damage() === null ? null : 'ndjson', input: startingWith(input, head) }
      case 'refused':
        throw refusal(input, found.what, found.advice, paths)
      case 'undecided':
        break
    }
  }
}

function refusal(input: OpenInput, what: string, advice: Advice | null, paths: readonly string[]): UsageError {
  const { path, fileType } = input.source
  return new UsageError(`${path} is ${what}, which is not read`, { hint: hintOf(advice) })

  function hintOf(advice: Advice | null): string {
    if (advice === null) return 'Give a file of NDJSON, JSON, CSV or Avro.'
    const { command } = advice
    // A pipe has no path that says the type.
    if (advice.is === 'pipe') return `Type instead: ${command} | ${ownCommand(paths, '-', fileType)}`
    return `Type instead: ${command} && ${ownCommand(paths, advice.folder, null)}`
  }
}

function startingWith(input: OpenInput, head: Uint8Array): OpenInput {
  let rest = head
  return {
    ...input,
    async read() {
      if (rest.length === 0) return input.read()
      const first = rest
      rest = first.subarray(first.length)
      return first
    },
    async skipTo(byte) {
      const read = head.length - rest.length
      rest = head.subarray(Math.min(Math.max(read, byte), head.length))
      if (byte > head.length) await input.skipTo(byte)
    },
  }
}
