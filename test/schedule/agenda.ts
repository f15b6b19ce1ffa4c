interface Occurrence {
  readonly atMs: number
  readonly order: number
  readonly happen: () => void
}

/** What will happen in virtual time; of two things at the same time the one noted first happens first. */
export interface Agenda {
  note(atMs: number, happen: () => void): void
  nextMs(): number
  /** Lets everything up to `nowMs` happen. */
  pass(nowMs: number): void
}

export function createAgenda(): Agenda {
  const heap: Occurrence[] = []
  let order = 0

  function isEarlier(one: Occurrence, other: Occurrence): boolean {
    return one.atMs < other.atMs || (one.atMs === other.atMs && one.order < other.order)
  }

  function swap(one: number, other: number): void {
    const [first, second] = [heap[one], heap[other]]
    if (first === undefined || second === undefined) return
    heap[one] = second
    heap[other] = first
  }

  function earlierAt(one: number, other: number): boolean {
    const [first, second] = [heap[one], heap[other]]
    return first !== undefined && second !== undefined && isEarlier(first, second)
  }

  function pop(): Occurrence | undefined {
    swap(0, heap.length - 1)
    const first = heap.pop()
    for (let place = 0; ; ) {
      let least = place
      if (earlierAt(2 * place + 1, least)) least = 2 * place + 1
      if (earlierAt(2 * place + 2, least)) least = 2 * place + 2
      if (least === place) return first
      swap(place, least)
      place = least
    }
  }

  return {
    note(atMs, happen) {
      order += 1
      heap.push({ atMs, order, happen })
      for (let place = heap.length - 1; place > 0 && earlierAt(place, (place - 1) >> 1); place = (place - 1) >> 1) {
        swap(place, (place - 1) >> 1)
      }
    },
    nextMs: () => heap[0]?.atMs ?? Number.POSITIVE_INFINITY,
    pass(nowMs) {
      for (let first = heap[0]; first !== undefined && first.atMs <= nowMs; first = heap[0]) pop()?.happen()
    },
  }
}
