/** Counts per id over a span of time that ends now. */
export interface RollingCount {
  /** Forgets what has left the span; call it before `of` and `add`. `nowMs` never goes back. */
  advance(nowMs: number): void
  of(id: string): number
  /** Takes the map as its own: it must not change afterwards. */
  add(counts: ReadonlyMap<string, number>): void
  /** Ids with a count above zero: what the memory depends on. */
  size(): number
}

interface Slot {
  readonly endMs: number
  readonly counts: ReadonlyMap<string, number>
}

interface Step extends Slot {
  readonly counts: Map<string, number>
}

/**
 * With `stepMs` 0 the span slides exactly: what was added at t counts before t + `spanMs`. Otherwise it moves in whole steps, and a
 * step leaves when all of it is older than `spanMs`. An id with nothing left in the span takes no memory.
 */
export function createRollingCount(spanMs: number, stepMs = 0): RollingCount {
  const totals = new Map<string, number>()
  let slots: (Slot | undefined)[] = []
  let head = 0
  let step: Step | undefined
  let nowMs = 0

  function forget(slot: Slot): void {
    for (const [id, count] of slot.counts) {
      const left = (totals.get(id) ?? 0) - count
      if (left > 0) totals.set(id, left)
      else totals.delete(id)
    }
  }

  /** Adds to the step that is under way, if there is one: without steps each addition is kept as it came, uncopied. */
  function keep(counts: ReadonlyMap<string, number>): void {
    if (stepMs === 0) {
      slots.push({ endMs: nowMs, counts })
      return
    }
    const endMs = (Math.floor(nowMs / stepMs) + 1) * stepMs
    if (step === undefined || step.endMs !== endMs) {
      step = { endMs, counts: new Map() }
      slots.push(step)
    }
    for (const [id, count] of counts) step.counts.set(id, (step.counts.get(id) ?? 0) + count)
  }

  return {
    advance(toMs) {
      nowMs = toMs
      for (let slot = slots[head]; slot !== undefined && nowMs - slot.endMs >= spanMs; slot = slots[head]) {
        forget(slot)
        slots[head++] = undefined
      }
      // Shifting one by one would be quadratic; half the array keeps it linear.
      if (head > 1024 && head * 2 > slots.length) {
        slots = slots.slice(head)
        head = 0
      }
    },
    of: (id) => totals.get(id) ?? 0,
    add(counts) {
      keep(counts)
      for (const [id, count] of counts) totals.set(id, (totals.get(id) ?? 0) + count)
    },
    size: () => totals.size,
  }
}
