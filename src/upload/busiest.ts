import type { IdentityRef } from '../schedule/records.ts'

/** Events of the identity that has the most: what bounds a run from below (DESIGN.md §4). */
export interface Busiest {
  /** @param hash `hashOfId` of the identity's id */
  add(kind: IdentityRef['kind'], hash: number): void
  /** Never too low; too high by the few events of identities that share its cell. */
  most(): number
}

/** 4 MB, whatever the number of identities. */
const CELLS = 1 << 20

export function createBusiest(): Busiest {
  const counts = new Uint32Array(CELLS)
  let most = 0

  return {
    add(kind, hash) {
      // A user and a device of the same name are two.
      const cell = (kind === 'user' ? hash : ~hash) & (CELLS - 1)
      const count = (counts[cell] as number) + 1
      counts[cell] = count
      if (count > most) most = count
    },
    most: () => most,
  }
}
