import { deviceSpan, userSpan } from './chunk.ts'
import { createHasher, mix } from './hash.ts'
import type { MappedChunk } from './model.ts'
import { DROPPED } from './outcomes.ts'

/** One of several workers that share the same inputs (src/README.md §6). */
export interface Shard {
  /** From 1 to `count`. */
  readonly number: number
  readonly count: number
}

/** The name of a shard, as `--shard` takes it and the checkpoint keeps it. */
export function shardName({ number, count }: Shard): string {
  return `${number}/${count}`
}

/**
 * Makes the function that leaves a shard its own records of a chunk: all others get the outcome `DROPPED`.
 *
 * Of `count` shards every record is in exactly one: hash of its event's `user_id`, else `device_id`, modulo `count`. So all that one
 * user did is in one shard. A record that became no event has no identity yet, and goes by its place: the path as the source has it
 * and the position. So all shards must be given the same paths, and the same mapping.
 *
 * Runs that are under way rely on the hash: another one would move records between their shards.
 */
export function createShardFilter({ number, count }: Shard): (chunk: MappedChunk) => void {
  const hashOf = createHasher()

  function hashOfPath(path: string): number {
    const bytes = Buffer.from(path)
    return hashOf(bytes, 0, bytes.length).low
  }

  return function keepOwn(chunk) {
    const { raw, bytes, outcomes } = chunk
    const path = hashOfPath(raw.source.path)
    for (let i = 0; i < chunk.count; i++) {
      const user = userSpan(chunk, i)
      const { start, end } = user.start === user.end ? deviceSpan(chunk, i) : user
      const hash = start === end ? hashOfPlace(path, raw.positions[i] as number) : hashOf(bytes, start, end).low
      if ((hash % count) + 1 !== number) outcomes[i] = DROPPED
    }
  }
}

/** @param position up to 2^53 */
function hashOfPlace(path: number, position: number): number {
  return mix(path ^ mix(position >>> 0) ^ Math.floor(position / 0x1_0000_0000))
}
