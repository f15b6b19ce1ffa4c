import type { Identity } from './scheduler-state.ts'

/** Finds the identities of one kind by their id. */
export interface IdentityTable<E> {
  /** @param hash `hashOfId(id)` */
  find(id: string, hash: number): Identity<E> | undefined
  /** Adds an identity whose `hash` is set and whose id is not in the table. */
  add(identity: Identity<E>): void
  /** Returns false if the identity was not in the table. */
  remove(identity: Identity<E>): boolean
  /** Calls `visit` with each identity, in no particular order. */
  each(visit: (identity: Identity<E>) => void): void
  size(): number
}

/** Chains for the identities of a few requests: a smaller table would grow and shrink, and be rebuilt, with each request. */
const SMALLEST = 1 << 13

/**
 * A hash table whose chains go through the identities themselves. Most identities are added and removed again with every
 * event. A `Map`, which hashes in the runtime and is rebuilt as removed entries pile up, made this two thirds of the cost
 * of scheduling. This table takes a third of the time of the `Map`.
 */
export function createIdentityTable<E>(): IdentityTable<E> {
  let chains = emptyChains<E>(SMALLEST)
  let size = 0

  function link(identity: Identity<E>): void {
    const at = identity.hash & (chains.length - 1)
    identity.sameHash = chains[at] ?? null
    chains[at] = identity
  }

  function each(visit: (identity: Identity<E>) => void): void {
    for (const first of chains) {
      let identity = first
      while (identity !== null) {
        // The next identity is read first, since `visit` may link this one elsewhere.
        const following: Identity<E> | null = identity.sameHash
        visit(identity)
        identity = following
      }
    }
  }

  function resize(count: number): void {
    const all: Identity<E>[] = []
    each((identity) => all.push(identity))
    chains = emptyChains(count)
    for (const identity of all) link(identity)
  }

  return {
    find(id, hash) {
      let identity = chains[hash & (chains.length - 1)] ?? null
      while (identity !== null && (identity.hash !== hash || identity.id !== id)) identity = identity.sameHash
      return identity ?? undefined
    },
    add(identity) {
      if (size >= chains.length) resize(chains.length * 2)
      link(identity)
      size += 1
    },
    remove(identity) {
      const at = identity.hash & (chains.length - 1)
      let before: Identity<E> | null = null
      let place = chains[at] ?? null
      while (place !== null && place !== identity) {
        before = place
        place = place.sameHash
      }
      if (place === null) return false
      if (before === null) chains[at] = identity.sameHash
      else before.sameHash = identity.sameHash
      identity.sameHash = null
      size -= 1
      if (size * 8 < chains.length && chains.length > SMALLEST) resize(chains.length / 2)
      return true
    },
    each,
    size: () => size,
  }
}

function emptyChains<E>(count: number): (Identity<E> | null)[] {
  return new Array<Identity<E> | null>(count).fill(null)
}

/**
 * A hash of 32 bits over the UTF-16 units of an id: FNV-1a. Its upper bits are folded in, as tables use the lower bits.
 * The hash is computed once per event and id, since it costs as much as the rest of the look-up of an identity.
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
