import type { OpenInput } from '../read/open.ts'

/**
 * An input as a queue of bytes that can be looked at before they are taken. What it shows stays until it is asked for bytes that are not
 * there yet: their memory may be that of bytes that were taken.
 */
export interface ByteQueue {
  /** Bytes taken so far. */
  position(): number
  /** Waits until at least `count` bytes are there; false when the input ends before. */
  ensure(count: number): Promise<boolean>
  /** What is there now. */
  peek(): Uint8Array
  /** Takes `count` bytes of what is there. */
  skip(count: number): void
  /** Takes all that was read. */
  takeAll(): Uint8Array
  /** Goes on at a byte of the input, at or behind `position()`. */
  skipTo(byte: number): Promise<void>
}

const NONE = new Uint8Array(0)

export function createByteQueue(input: OpenInput): ByteQueue {
  let bytes: Uint8Array = NONE
  /** Read, but not needed yet: joined to `bytes` only as far as asked, so that a read is not copied whole. */
  let waiting: Uint8Array = NONE
  /** What was read last: `waiting` is the end of it. */
  let read: Uint8Array | null = null
  let position = 0
  return {
    position: () => position,
    async ensure(count) {
      const parts = [bytes]
      const emptied: Uint8Array[] = []
      let length = bytes.length
      while (length < count) {
        if (waiting.length === 0) {
          const next = await input.read()
          if (next === null) break
          if (read !== null) emptied.push(read)
          read = next
          waiting = next
        }
        const needed = length === 0 ? waiting.length : Math.min(waiting.length, count - length)
        parts.push(waiting.subarray(0, needed))
        waiting = waiting.subarray(needed)
        length += needed
      }
      if (parts.length > 1)
        bytes = bytes.length === 0 && parts.length === 2 ? (parts[1] as Uint8Array) : Buffer.concat(parts)
      for (const one of emptied) input.reuse(one)
      return length >= count
    },
    peek: () => bytes,
    skip(count) {
      bytes = bytes.subarray(count)
      position += count
      if (bytes.length === 0) {
        bytes = waiting
        waiting = NONE
      }
    },
    takeAll() {
      const all = waiting.length === 0 ? bytes : Buffer.concat([bytes, waiting])
      position += all.length
      bytes = NONE
      waiting = NONE
      read = null
      return all
    },
    async skipTo(byte) {
      const ahead = bytes.length + waiting.length
      if (byte - position < ahead) {
        await this.ensure(byte - position)
        this.skip(byte - position)
        return
      }
      bytes = NONE
      waiting = NONE
      position = byte
      await input.skipTo(byte)
    },
  }
}
