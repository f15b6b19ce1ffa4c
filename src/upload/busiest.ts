import type { IdentityRef } from '../schedule/records.ts'

/** Events of the identity that has the most: what bounds a run from below (DESIGN.md §4). */
export interface Busiest {
  add(kind: IdentityRef['kind'], id: string): void
  /** Never too low; too high by the few events of identities that share its cell. */
  most(): number
}

/** 4 MB, whatever the number of identities. */
const CELLS = 1 << 20

export function createBusiest(): Busiest {
  const counts = new Uint32Array(CELLS)
  let most = 0

  return {
    add(kind, id) {
      let hash = kind === 'user' ? 0x811c9dc5 : 0x9747b28c
      for (let at = 0; at < id.length; at++) hash = Math.imul(hash ^ id.charCodeAt(at), 0x01000193)
      const cell = (hash ^ (hash >>> 15)) & (CELLS - 1)
      const count = (counts[cell] as number) + 1
      counts[cell] = count
      if (count > most) most = count
    },
    most: () => most,
  }
}
