/**
 * 32 bits over the UTF-16 units of an id: FNV-1a, its upper bits folded in as tables take the lower.
 * It is computed once per event and id, since that costs as much as all else that looking an identity up takes.
 */
export function hashOfId(id: string): number {
  let hash = FIRST
  for (let at = 0; at < id.length; at += 1) hash = Math.imul(hash ^ id.charCodeAt(at), PRIME)
  return folded(hash)
}

/** The hash of the id that is `bytes[start, end)`, which must be ASCII. */
export function hashOfAscii(bytes: Uint8Array, start: number, end: number): number {
  let hash = FIRST
  for (let at = start; at < end; at += 1) hash = Math.imul(hash ^ (bytes[at] as number), PRIME)
  return folded(hash)
}

const FIRST = 0x811c9dc5 | 0
const PRIME = 0x01000193

function folded(hash: number): number {
  return (hash ^ (hash >>> 15)) | 0
}
