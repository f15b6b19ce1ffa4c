import type { OpenInput } from '../read/open.ts'

/** An input as a queue of bytes that can be looked at before they are taken. */
export interface ByteQueue {
  /** Bytes taken so far. */
  position(): number
  /** Waits until at least `count` bytes are there; false when the input ends before. */
  ensure(count: number): Promise<boolean>
  /** What is there now. */
  peek(): Uint8Array
  /** Takes `count` bytes of what is there. */
  skip(count: number): void
}

export function createByteQueue(input: OpenInput): ByteQueue {
  let bytes: Uint8Array = new Uint8Array(0)
  let position = 0
  return {
    position: () => position,
    async ensure(count) {
      if (bytes.length >= count) return true
      const parts = [bytes]
      let length = bytes.length
      while (length < count) {
        const next = await input.read()
        if (next === null) break
        parts.push(next)
        length += next.length
      }
      bytes = parts.length === 1 ? bytes : Buffer.concat(parts)
      return length >= count
    },
    peek: () => bytes,
    skip(count) {
      bytes = bytes.subarray(count)
      position += count
    },
  }
}
