/**
 * Reads ahead into the processor's cache. A loop that does nothing but read does not wait for one read before it begins the next, as
 * the code that needs what they bring would: where tables are larger than the cache, that is most of its time.
 */
const READ = new Int32Array(1)

/** Takes the sum of what was read, so that the reads are not optimised away. */
export function prefetched(sum: number): void {
  READ[0] = sum
}
