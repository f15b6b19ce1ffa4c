import fc from 'fast-check'
import type { Clock } from '../../src/clock.ts'
import type { Answer } from '../../src/upload/classify.ts'

/**
 * Amplitude as the tests of crashes need it: it outlives the processes that send to it, refuses the same events for good whoever sends
 * them, and now and then an answer is lost, late or a 5xx. It notes what it would not do: take an event twice at a time, or get one
 * again whose outcome the sender must know.
 */
export interface Amplitude {
  /** A connection of a process that begins now. `isGone`: the process is no more, nothing of it arrives. */
  connect(life: Connection): { post(body: Uint8Array): Promise<Answer> }
  /** Ids of the events that it took or refused, in the order in which they first came; each once. */
  readonly arrived: ReadonlySet<string>
  /** The same of those that it took. */
  readonly taken: ReadonlySet<string>
  /** Those of them that it took more than once. */
  readonly repeated: ReadonlySet<string>
  /** From now on it refuses nothing. */
  mend(): void
  /** What it was sent and must not have been. */
  readonly violations: readonly string[]
}

interface Connection {
  /** What becomes of each request, in order; those behind the last are answered. */
  readonly trouble: readonly Trouble[]
  readonly isGone: () => boolean
  /** Events whose outcome is in the checkpoint that this process goes on from. */
  readonly known: ReadonlySet<string>
}

export type Trouble = 'none' | 'lost request' | 'lost answer' | '500' | '503' | 'throttled' | 'project throttled'

export interface SentEvent {
  readonly insert_id: string
  readonly user_id?: string
  readonly device_id?: string
}

const HARMLESS = fc.constant<Trouble>('none')

/** Fewer failures than make an event a dead letter. */
export const TROUBLE = fc.array(
  fc.oneof(
    HARMLESS,
    fc.constantFrom<Trouble>('lost request', 'lost answer', '500', '503', 'throttled', 'project throttled'),
  ),
  { maxLength: 7 },
)

const LOST: Answer = { is: 'failure', kind: 'network', message: 'reset' }

export function createAmplitude(clock: Clock): Amplitude {
  const arrived = new Set<string>()
  const taken = new Set<string>()
  const repeated = new Set<string>()
  let isMended = false
  const violations: string[] = []
  let requests = 0

  function judge(events: readonly SentEvent[]): Answer {
    for (const { insert_id: id } of events) arrived.add(id)
    const refusal = isMended ? null : refusalOf(events)
    if (refusal !== null) return refusal
    for (const { insert_id: id } of events) (taken.has(id) ? repeated : taken).add(id)
    return reply(200, { events_ingested: events.length })
  }

  function refusalOf(events: readonly SentEvent[]): Answer | null {
    if (events.some(({ insert_id: id }) => id.startsWith('large'))) return reply(413, {})
    const invalid = events.flatMap(({ insert_id: id }, at) => (id.startsWith('invalid') ? [at] : []))
    if (invalid.length > 0) return reply(400, { events_with_invalid_fields: { time: invalid } })
    const silenced = events.flatMap(({ device_id: device }, at) => (device === 'silenced' ? [at] : []))
    return silenced.length > 0 ? reply(400, { silenced_events: silenced }) : null
  }

  function answerTo(events: readonly SentEvent[], trouble: Trouble): Answer {
    const [first] = events
    switch (trouble) {
      case 'none':
        return judge(events)
      case 'lost request':
        return LOST
      case 'lost answer':
        judge(events)
        return LOST
      case '500':
        // Nobody knows whether it took them.
        judge(events)
        return reply(500, {})
      case '503':
        return reply(503, {}, '3')
      case 'project throttled':
        return reply(429, {})
      case 'throttled':
        return reply(429, {
          throttled_events: [0],
          ...(first?.device_id === undefined
            ? { throttled_users: { [first?.user_id ?? '']: 31 } }
            : { throttled_devices: { [first.device_id]: 31 } }),
        })
    }
  }

  return {
    arrived,
    taken,
    repeated,
    mend() {
      isMended = true
    },
    violations,
    connect({ trouble, isGone, known }) {
      const inFlight = new Set<string>()
      /** Their answers came in this life. */
      const answered = new Set<string>()
      let own = 0
      return {
        async post(body) {
          if (isGone()) return LOST
          const { events }: { events: readonly SentEvent[] } = JSON.parse(Buffer.from(body).toString())
          requests += 1
          for (const { insert_id: id } of events) {
            if (inFlight.has(id)) violations.push(`${id} is in two requests`)
            if (known.has(id)) violations.push(`${id} is sent again, but the checkpoint has its outcome`)
            if (answered.has(id)) violations.push(`${id} is sent again after its answer came`)
            inFlight.add(id)
          }
          const answer = answerTo(events, trouble[own++] ?? 'none')
          await clock.sleep(20 + ((requests * 37) % 400))
          for (const { insert_id: id } of events) {
            inFlight.delete(id)
            if (answer.is === 'response' && answer.status === 200) answered.add(id)
          }
          return isGone() ? LOST : answer
        },
      }
    },
  }
}

function reply(code: number, more: object, retryAfter: string | null = null): Answer {
  const text = JSON.stringify({ code, error: 'refused', ...more })
  return { is: 'response', status: code, text, retryAfter, location: null, gzipped: false }
}
