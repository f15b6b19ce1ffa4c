import { detectFormat, ENOUGH_BYTES, type Format } from './detect.ts'
import { NotReadError } from './not-read-error.ts'
import type { OpenInput } from './open.ts'

/**
 * The format of an open input, found by its first bytes, which are still there to read afterwards; null when it is empty.
 * @throws NotReadError when the format is one that is not read
 */
export async function chooseFormat(
  input: OpenInput,
  forced: Format | null,
): Promise<{ readonly format: Format | null; readonly input: OpenInput }> {
  if (forced !== null) return { format: forced, input }
  let parts: Uint8Array[] = []
  let size = 0
  let head: Uint8Array = new Uint8Array(0)
  for (;;) {
    const next = await input.read()
    if (next !== null) {
      parts.push(next)
      size += next.length
      // A pipe may give a byte at a time, and each look begins at the first one.
      if (size < Math.min(2 * head.length, ENOUGH_BYTES)) continue
    }
    head = parts.length === 1 ? (parts[0] as Uint8Array) : Buffer.concat(parts)
    parts = [head]
    const found = detectFormat(head, next === null, input.source.path)
    switch (found.is) {
      case 'format':
        return { format: found.format, input: startingWith(input, head) }
      case 'empty':
        return { format: input.damage() === null ? null : 'ndjson', input: startingWith(input, head) }
      case 'refused':
        throw new NotReadError(input.source, found.what, found.advice)
      case 'undecided':
        break
    }
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
