import type { Identity } from './records.ts'

/** The identities of one kind by their id. */
export interface IdentityTable<E> {
  /** @param hash `hashOfId(id)` */
  find(id: string, hash: number): Identity<E> | undefined
  /** Adds an identity, its `hash` set, whose id is not in the table. */
  add(identity: Identity<E>): void
  /** False if it was not in the table. */
  remove(identity: Identity<E>): boolean
  /** Calls `visit` with each, in no order. */
  each(visit: (identity: Identity<E>) => void): void
  size(): number
}

/** Room for the identities of a few requests: a table that grows and shrinks with each of them would be rebuilt all the time. */
const SMALLEST = 1 << 13

/**
 * A hash table chained through the identities themselves. Most identities are added and removed again with every event,
 * which with a `Map` (hashing in the runtime, rebuilding as removed entries pile up) was two thirds of what scheduling
 * cost; this takes a third of the time.
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
        // `visit` may link it elsewhere.
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
