import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { createByteWriter } from '../../src/json/bytes.ts'
import { createChunkMapper } from '../../src/map/map-chunk.ts'
import { compileMapping } from '../../src/mapping/plan.ts'
import type { MappedChunk, RejectReason } from '../../src/model.ts'
import { appendLaneLine, readLaneLine } from '../../src/state/letter.ts'
import type { Answer } from '../../src/upload/classify.ts'
import { createUploader, type LaneStore } from '../../src/upload/uploader.ts'
import { PLAIN, rawChunk, ticketFor } from '../harness.ts'
import { nothingSent, SETTINGS } from './harness.ts'
import { createVirtualTime, type VirtualTime } from './virtual-time.ts'

/** Any sequence of answers and faults, over any batch, in virtual time. */

const FATES = [
  'accept',
  'acceptLess',
  'lostAnswer',
  'reset',
  'timeout',
  '500',
  '503',
  'page',
  'badEvents',
  'silenced',
  'refuse',
  'forbid',
  'tooLarge',
  'holdSome',
  'quota',
  'project',
] as const
type Fate = (typeof FATES)[number]

interface Sent {
  readonly user_id?: string
  readonly device_id?: string
  readonly insert_id: string
}

interface Case {
  readonly events: readonly { readonly user: number; readonly device: number }[]
  readonly fates: readonly { readonly fate: Fate; readonly pick: number; readonly latencyMs: number }[]
  readonly poison: readonly number[]
  readonly batchSize: number
  readonly concurrency: number
}

const CASES: fc.Arbitrary<Case> = fc.record({
  events: fc.array(fc.record({ user: fc.nat(4), device: fc.nat(2) }), { minLength: 1, maxLength: 60 }),
  fates: fc.array(
    fc.record({ fate: fc.constantFrom(...FATES), pick: fc.nat(1000), latencyMs: fc.integer({ min: 1, max: 3000 }) }),
    { maxLength: 40 },
  ),
  poison: fc.array(fc.nat(59), { maxLength: 3 }),
  batchSize: fc.constantFrom(1, 3, 10, 1999),
  concurrency: fc.constantFrom(1, 2, 8),
})

const mapChunk = createChunkMapper(compileMapping(PLAIN))

/** A chunk in which each event has a type of its own: the ledger's calls tell them apart. */
function chunkOf(events: Case['events']): MappedChunk {
  const lines = events.map(({ user, device }, i) =>
    Buffer.from(
      JSON.stringify({
        id: `e${i}`,
        // User 0 has no device, device-only events have no user.
        ...(user === 4 ? {} : { external_user_id: `user-${user}` }),
        ...(user === 0 ? {} : { device_id: `device-${device}` }),
        time: 1_767_225_600,
      }),
    ),
  )
  const chunk = mapChunk(rawChunk(lines, { fileType: 'users.messages.email.Open' }))
  const types = Int16Array.from(events.keys())
  return { ...chunk, types, typeNames: Array.from(events.keys(), (i) => `type-${i}`) }
}

function answerTo(fate: Fate, sent: readonly Sent[], pick: number): Answer {
  const at = pick % sent.length
  const event = sent[at]
  const reply = (status: number, more: object = {}, retryAfter: string | null = null): Answer => {
    const text = JSON.stringify({ code: status, error: 'e', ...more })
    return { is: 'response', status, text, retryAfter, location: null, gzipped: false }
  }
  const named =
    event?.device_id === undefined
      ? { throttled_users: { [event?.user_id ?? '']: 31 } }
      : { throttled_devices: { [event.device_id]: 31 } }
  switch (fate) {
    case 'accept':
      return reply(200, { events_ingested: sent.length })
    case 'acceptLess':
      return reply(200, { events_ingested: sent.length - 1 })
    case 'lostAnswer':
    case 'reset':
      return { is: 'failure', kind: 'network', message: 'reset' }
    case 'timeout':
      return { is: 'failure', kind: 'timeout', message: 'timeout' }
    case '500':
      return reply(500)
    case '503':
      return reply(503, {}, '3')
    case 'page':
      return { is: 'response', status: 200, text: '<html>', retryAfter: null, location: null, gzipped: false }
    case 'badEvents':
      return reply(400, { events_with_invalid_fields: { time: [at], price: [at, at + 1] } })
    case 'silenced':
      return reply(400, { silenced_events: [at], ...named })
    case 'refuse':
      return reply(400)
    case 'forbid':
      return reply(403)
    case 'tooLarge':
      return reply(413)
    case 'holdSome':
      return reply(429, { ...named, throttled_events: [at], eps_threshold: 20 })
    case 'quota':
      return reply(429, { exceeded_daily_quota_users: { [event?.user_id ?? '']: 500_001 } })
    case 'project':
      return reply(429)
  }
}

/** Lane files in memory, in the format of those on disk. */
function memoryLanes(time: VirtualTime): LaneStore {
  const lanes = new Map<string, Parameters<LaneStore['append']>[1][]>()
  return {
    pendingBytes: 0,
    append({ kind, id }, event) {
      const lane = lanes.get(`${kind} ${id}`) ?? []
      lanes.set(`${kind} ${id}`, lane)
      lane.push(event)
    },
    async read({ kind, id }, count) {
      await time.sleep(5)
      const events = lanes.get(`${kind} ${id}`)?.splice(0, Math.ceil(count / 2)) ?? []
      return events.map((event) => {
        const out = createByteWriter(16)
        appendLaneLine(out, event, `type-${event.type}`)
        const { ticket, index } = event
        return { ...readLaneLine(out.bytes, 0, out.length - 1), ticket, index }
      })
    },
    delete: ({ kind, id }) => void lanes.delete(`${kind} ${id}`),
    longest: () => 0,
    restored: () => [],
    idle: async () => {},
  }
}

interface Outcome {
  readonly settled: readonly (readonly ('accepted' | RejectReason)[])[]
  readonly error: Error | null
}

async function upload(
  { events, fates, poison, batchSize, concurrency }: Case,
  stopAtMs: number | null = null,
): Promise<Outcome> {
  const time = createVirtualTime()
  const chunk = chunkOf(events)
  const settled: ('accepted' | RejectReason)[][] = events.map(() => [])
  const lettered = new Set<number>()
  const inFlight = new Set<string>()
  const acceptedByServer = new Set<string>()
  const stop = new AbortController()
  let requests = 0

  const uploader = createUploader({
    settings: { ...SETTINGS, batchSize, concurrency },
    key: 'k',
    client: {
      async post(body) {
        const { fate, pick, latencyMs } = fates[requests++] ?? { fate: 'accept' as const, pick: 0, latencyMs: 100 }
        const sent: readonly Sent[] = JSON.parse(Buffer.from(body).toString()).events
        assert.ok(sent.length <= batchSize && sent.length > 0)
        for (const { insert_id } of sent) {
          assert.ok(!inFlight.has(insert_id), `${insert_id} is in two requests`)
          inFlight.add(insert_id)
          assert.equal(settled[Number(insert_id.slice(1))]?.length, 0, `${insert_id} is sent after it was settled`)
        }
        await time.sleep(latencyMs)
        for (const { insert_id } of sent) inFlight.delete(insert_id)
        const isPoisoned = sent.some(({ insert_id }) => poison.includes(Number(insert_id.slice(1))))
        if (isPoisoned && ['accept', 'acceptLess', 'lostAnswer'].includes(fate)) return answerTo('refuse', sent, pick)
        if (['accept', 'acceptLess', 'lostAnswer'].includes(fate)) {
          for (const { insert_id } of sent) acceptedByServer.add(insert_id)
        }
        return answerTo(fate, sent, pick)
      },
      sendPlain: () => {},
    },
    ledger: {
      acceptEvent({ type }) {
        assert.ok(acceptedByServer.has(`e${type}`), `e${type} counts as accepted and never was`)
        settled[type]?.push('accepted')
      },
      rejectEvent({ type }, reason) {
        assert.ok(lettered.has(type), 'a rejection is settled without a letter')
        settled[type]?.push(reason)
      },
      recall: () => {},
      warn: () => {},
      hasTooManyErrors: () => false,
    },
    letters: {
      addEvent: ({ type }) => void lettered.add(type),
      addRecord: () => assert.fail('every record is an event'),
      flush: () => time.sleep(3),
      pendingBytes: () => 0,
    },
    lanes: memoryLanes(time),
    ...nothingSent(time),
    types: { typeNames: chunk.typeNames, planOf: (type) => ({ number: chunk.typeNames.indexOf(type) }) },
    clock: time,
    random: () => 0.5,
    rejectsUnknown: false,
    onSettled: () => {},
    signal: stop.signal,
    failure: new AbortController(),
    tell: () => {},
  })
  if (stopAtMs !== null) void time.sleep(stopAtMs).then(() => stop.abort('SIGINT'))
  await time.run(uploader.put(chunk, ticketFor(chunk.count)).then(() => uploader.end(stop.signal)))
  return { settled, error: uploader.failed.aborted ? uploader.failed.reason : null }
}

test('any answers and faults settle every event exactly once, and no event is ever in two requests', async () => {
  await fc.assert(
    fc.asyncProperty(CASES, async (example) => {
      const { settled, error } = await upload(example)
      if (error !== null) assert.equal((error as { exitCode?: number }).exitCode, 4, error.stack)
      for (const [number, ways] of settled.entries()) {
        if (error === null) assert.equal(ways.length, 1, `e${number} is settled ${ways.length} times: ${ways.join()}`)
        else assert.ok(ways.length <= 1, `e${number} is settled ${ways.length} times`)
      }
    }),
    { numRuns: 400 },
  )
})

test('a stop in the middle settles nothing twice and ends', async () => {
  await fc.assert(
    fc.asyncProperty(CASES, fc.integer({ min: 0, max: 5000 }), async (example, stopAtMs) => {
      const { settled } = await upload(example, stopAtMs)
      for (const ways of settled) assert.ok(ways.length <= 1)
    }),
    { numRuns: 150 },
  )
})

test('when everything is refused without a reason, nothing is rejected', async () => {
  const refusals = fc.record({
    fate: fc.constantFrom<Fate>('refuse', 'forbid'),
    pick: fc.constant(0),
    latencyMs: fc.integer({ min: 1, max: 900 }),
  })
  await fc.assert(
    fc.asyncProperty(CASES, fc.array(refusals, { minLength: 1200, maxLength: 1200 }), async (example, fates) => {
      const { settled, error } = await upload({ ...example, fates })
      assert.match(error?.message ?? '', /refuses every request/)
      assert.ok(settled.every((ways) => ways.length === 0))
    }),
    { numRuns: 50 },
  )
})
