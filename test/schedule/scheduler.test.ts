import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { IdentityRef, QueuedEvent, ScheduledRequest } from '../../src/schedule/contract.ts'
import type { SchedulerOptions } from '../../src/schedule/scheduler.ts'
import { createScheduler } from '../../src/schedule/scheduler.ts'
import { idsOf } from './ids.ts'
import { OPTIONS, unusedQuota } from './plain-run.ts'

interface NamedEvent extends QueuedEvent {
  readonly name: string
}

function event(name: string, user: string | null, device: string | null = null, requestBytes = 100): NamedEvent {
  return { name, ...idsOf(user, device), bytes: 1000, requestBytes }
}

function many(count: number, user: string | null, device: string | null = null): NamedEvent[] {
  return Array.from({ length: count }, (_, at) => event(`${user ?? ''}${device ?? ''}${at}`, user, device))
}

/** A scheduler at a time when all buckets are full, its lane files lists in memory. */
function setUp(options: Partial<SchedulerOptions<NamedEvent>> = {}) {
  const lanes = new Map<string, NamedEvent[]>()
  const asked: { ref: IdentityRef; count: number }[] = []
  const deleted: string[] = []
  const files = {
    pendingBytes: 0,
    append({ kind, id }: IdentityRef, event: NamedEvent) {
      const key = `${kind} ${id}`
      lanes.set(key, [...(lanes.get(key) ?? []), event])
    },
    read: (ref: IdentityRef, count: number) => {
      asked.push({ ref: { kind: ref.kind, id: ref.id }, count })
    },
    delete: ({ kind, id }: IdentityRef) => {
      deleted.push(`${kind} ${id}`)
    },
  }
  const scheduler = createScheduler<NamedEvent>({ ...OPTIONS, quota: unusedQuota(), files, startedMs: 0, ...options })
  return {
    scheduler,
    files,
    lanes,
    asked,
    deleted,
    offer: (events: readonly NamedEvent[], nowMs: number) => {
      for (const each of events) scheduler.offer(each, nowMs)
    },
    answerReads: (nowMs: number) => {
      for (const { ref, count } of asked.splice(0)) {
        scheduler.readBack(ref, (lanes.get(`${ref.kind} ${ref.id}`) ?? []).splice(0, count), 0, nowMs)
      }
    },
  }
}

function namesOf(request: ScheduledRequest<NamedEvent> | null): string[] {
  return request?.events.map(({ name }) => name) ?? []
}

function given(request: ScheduledRequest<NamedEvent> | null): ScheduledRequest<NamedEvent> {
  assert.ok(request !== null)
  return request
}

const NOW = 10_000

test('at process start all buckets count as empty', () => {
  const { scheduler, offer } = setUp({ startedMs: NOW })
  offer(many(30, 'u'), NOW)
  scheduler.endInput()
  assert.equal(scheduler.next(NOW, true), null)
  assert.ok(scheduler.nextWakeMs(NOW, true) > NOW)
  assert.equal(scheduler.next(NOW + 536, true)?.events.length, 15)
})

test('a user and a device of the same name have limits of their own', () => {
  const { scheduler, offer } = setUp()
  offer([...many(40, 'x'), ...many(40, null, 'x')], NOW)
  scheduler.endInput()
  assert.equal(scheduler.next(NOW, true)?.events.length, 60)
})

test('an event costs a token of its user and one of its device', () => {
  const { scheduler, offer } = setUp()
  offer([...many(20, 'a', 'shared'), ...many(20, 'b', 'shared'), ...many(20, 'b', 'own')], NOW)
  scheduler.endInput()
  const request = scheduler.next(NOW, true)
  // Ten of b's wait for the shared device, and b's others behind them.
  assert.equal(request?.events.length, 30)
})

test('a request waits 50 ms to be filled, or until the input ends', () => {
  const { scheduler, offer } = setUp()
  offer(many(1, 'a'), NOW)
  assert.equal(scheduler.next(NOW, true), null)
  assert.equal(scheduler.slotsInUse(), 1)
  assert.equal(scheduler.nextWakeMs(NOW, true), NOW + 50)
  offer(many(1, 'b'), NOW + 30)
  assert.equal(scheduler.next(NOW + 49, true), null)
  assert.deepEqual(namesOf(scheduler.next(NOW + 50, true)), ['a0', 'b0'])
  offer(many(1, 'c'), NOW + 60)
  scheduler.endInput()
  assert.deepEqual(namesOf(scheduler.next(NOW + 60, true)), ['c0'])
})

test('a request is full by count or by bytes, and goes at once', () => {
  const { scheduler, offer } = setUp({ maxRequestEvents: 3, maxRequestBytes: 250 })
  offer([event('a', 'a'), event('b', 'b'), event('large', 'c', null, 900), event('d', 'd', null, 0)], NOW)
  assert.deepEqual(namesOf(scheduler.next(NOW, true)), ['a', 'b'])
  assert.deepEqual(namesOf(scheduler.next(NOW, true)), ['large'])
  offer([event('e', 'e', null, 0), event('f', 'f', null, 0)], NOW)
  assert.deepEqual(namesOf(scheduler.next(NOW, true)), ['d', 'e', 'f'])
})

test('after a 413 requests are smaller', () => {
  const { scheduler, offer } = setUp()
  scheduler.lowerRequestBytes(200)
  offer(many(5, 'a'), NOW)
  assert.equal(scheduler.next(NOW, true)?.events.length, 2)
})

test('without a free slot nothing new is opened', () => {
  const { scheduler, offer } = setUp()
  offer(many(5, 'a'), NOW)
  scheduler.endInput()
  assert.equal(scheduler.next(NOW, false), null)
  assert.equal(scheduler.nextWakeMs(NOW, false), Number.POSITIVE_INFINITY)
})

test('an attempt that lasts already counts while it is in flight', () => {
  const { scheduler, offer } = setUp()
  offer(many(1, 'a'), NOW)
  scheduler.endInput()
  scheduler.next(NOW, true)
  scheduler.next(NOW + 5000, true)
  assert.equal(scheduler.statistics().delayMs, 5000)
})

test('a lane has one request in flight', () => {
  const { scheduler, offer } = setUp({ maxRequestEvents: 2 })
  offer(many(4, 'a'), NOW)
  scheduler.endInput()
  const first = given(scheduler.next(NOW, true))
  assert.equal(scheduler.next(NOW, true), null)
  scheduler.settled(first, NOW + 100)
  assert.deepEqual(namesOf(scheduler.next(NOW + 100, true)), ['a2', 'a3'])
})

test('a repeat keeps its slot, waits for its backoff, is charged again, and its lane waits', () => {
  const { scheduler, offer } = setUp()
  offer(many(25, 'a'), NOW)
  scheduler.endInput()
  const first = given(scheduler.next(NOW, true))
  offer([event('later', 'a')], NOW)
  scheduler.repeat(first, [first.events.map((_, at) => at)], NOW + 600, NOW + 100)
  assert.equal(scheduler.slotsInUse(), 1)
  assert.equal(scheduler.next(NOW + 599, true), null)
  // 25 of 30 were spent: 20 more must have grown.
  assert.equal(scheduler.next(NOW + 700, true), null)
  const again = given(scheduler.next(NOW + 720, false))
  assert.equal(again.slot, first.slot)
  assert.equal(again.repeated, true)
  assert.deepEqual(namesOf(again), namesOf(first))
  scheduler.settled(again, NOW + 800)
  assert.deepEqual(namesOf(scheduler.next(NOW + 800, true)), ['later'])
})

test('the parts of a halved request follow one another in its slot, the dead-lettered event is settled', () => {
  const { scheduler, offer } = setUp()
  offer(many(5, 'a'), NOW)
  scheduler.endInput()
  const request = given(scheduler.next(NOW, true))
  scheduler.repeat(
    request,
    [
      [0, 1],
      [3, 4],
    ],
    NOW,
    NOW,
  )
  const left = given(scheduler.next(NOW, false))
  assert.deepEqual(namesOf(left), ['a0', 'a1'])
  assert.equal(scheduler.next(NOW, true), null)
  scheduler.settled(left, NOW + 10)
  const right = given(scheduler.next(NOW + 10, false))
  assert.deepEqual(namesOf(right), ['a3', 'a4'])
  assert.equal(right.slot, request.slot)
  scheduler.settled(right, NOW + 20)
  assert.ok(scheduler.isDrained())
  assert.equal(scheduler.slotsInUse(), 0)
})

test('events of a paused identity go back to the front of their lanes, the others at once', () => {
  const { scheduler, offer } = setUp()
  offer([event('a1', 'a', 'd'), event('b1', 'b', 'paused'), event('a2', 'a', 'paused'), event('a3', 'a', 'd')], NOW)
  scheduler.endInput()
  const request = given(scheduler.next(NOW, true))
  offer([event('a4', 'a', 'd'), event('b2', 'b')], NOW)
  scheduler.pause({ kind: 'device', id: 'paused' }, NOW + 30_000, NOW)
  scheduler.repeat(request, [[0, 1, 2, 3]], NOW, NOW)
  const rest = given(scheduler.next(NOW, false))
  // a3 must not overtake a2, and the device of a2 is paused.
  assert.deepEqual(namesOf(rest), ['a1'])
  scheduler.settled(rest, NOW)
  assert.equal(scheduler.next(NOW + 29_000, true), null)
  assert.deepEqual(namesOf(scheduler.next(NOW + 30_100, true)).sort(), ['a2', 'a3', 'a4', 'b1', 'b2'])
})

test('an identity with 10 s of its fill waiting becomes hot: its events leave the memory, in input order', () => {
  const { scheduler, offer, lanes, asked, answerReads, deleted } = setUp()
  offer(many(1, 'first', 'hot'), NOW)
  const inFlight = given(scheduler.next(NOW, true) ?? scheduler.next(NOW + 50, true))
  const crowd = Array.from({ length: 281 }, (_, at) => event(`${at}`, `u${at % 7}`, 'hot'))
  offer([event('cold', 'u0', 'other'), ...crowd], NOW + 60)
  assert.equal(scheduler.statistics().hotIdentities, 1)
  assert.equal(scheduler.statistics().eventsInMemory, 2)
  assert.deepEqual(
    lanes.get('device hot')?.map(({ name }) => name),
    crowd.map(({ name }) => name),
  )

  // Its lane starts when what was in flight is answered.
  assert.deepEqual(asked, [])
  scheduler.endInput()
  assert.deepEqual(namesOf(scheduler.next(NOW + 200, true)), ['cold'])
  scheduler.settled(inFlight, NOW + 300)
  assert.deepEqual(asked, [{ ref: { kind: 'device', id: 'hot' }, count: 57 }])
  answerReads(NOW + 310)
  let nowMs = NOW + 1500
  const sent: string[] = []
  while (sent.length < crowd.length) {
    const request = scheduler.next(nowMs, true)
    if (request !== null) {
      sent.push(...namesOf(request))
      scheduler.settled(request, nowMs)
    }
    answerReads(nowMs)
    nowMs += 100
  }
  assert.deepEqual(
    sent,
    crowd.map(({ name }) => name),
  )
  assert.deepEqual(deleted, ['device hot'])
  assert.equal(scheduler.statistics().hotIdentities, 0)
})

test('what a refused request returns comes before the file of an identity that became hot meanwhile', () => {
  const { scheduler, offer, answerReads } = setUp()
  offer(many(2, 'u', 'hot'), NOW)
  const request = given(scheduler.next(NOW, true) ?? scheduler.next(NOW + 50, true))
  offer(
    many(300, 'u', 'hot').map((each, at) => ({ ...each, name: `file ${at}` })),
    NOW + 60,
  )
  scheduler.pause({ kind: 'device', id: 'hot' }, NOW + 1000, NOW + 100)
  scheduler.repeat(request, [[0, 1]], NOW + 100, NOW + 100)
  answerReads(NOW + 110)
  scheduler.endInput()
  const next = scheduler.next(NOW + 3000, true)
  assert.deepEqual(namesOf(next).slice(0, 3), ['uhot0', 'uhot1', 'file 0'])
})

test('a pause of more than 60 s makes an identity hot, also before anything of it comes', () => {
  const { scheduler, offer, lanes } = setUp()
  scheduler.pause({ kind: 'user', id: 'u' }, NOW + 61_000, NOW)
  offer(many(3, 'u'), NOW)
  assert.equal(lanes.get('user u')?.length, 3)
  assert.equal(scheduler.statistics().eventsInMemory, 0)
})

test('a lane file of an earlier process goes on', () => {
  const { scheduler, lanes, answerReads } = setUp()
  lanes.set('user u', many(5, 'u'))
  scheduler.restoreLaneFile({ kind: 'user', id: 'u' }, 5, NOW)
  assert.ok(!scheduler.isDrained())
  scheduler.offer(event('new', 'u'), NOW)
  answerReads(NOW)
  answerReads(NOW)
  scheduler.endInput()
  assert.deepEqual(namesOf(scheduler.next(NOW, true)), ['u0', 'u1', 'u2', 'u3', 'u4', 'new'])
})

test('the reader waits for memory, in which what lane files have not written counts', () => {
  const { scheduler, offer, files } = setUp({ memoryBytes: 10_000 })
  offer(
    Array.from({ length: 9 }, (_, at) => event('', `u${at}`)),
    NOW,
  )
  assert.equal(scheduler.readerShouldWait(NOW), false)
  files.pendingBytes = 1000
  assert.equal(scheduler.readerShouldWait(NOW), true)
})

test('the reader waits while enough identities are hot to keep any network busy, but not for those paused for the day', () => {
  const { scheduler } = setUp()
  for (let at = 0; at < 713; at += 1) scheduler.pause({ kind: 'user', id: `${at}` }, NOW + 61_000, NOW)
  assert.equal(scheduler.readerShouldWait(NOW), false)
  scheduler.pause({ kind: 'user', id: 'one more' }, NOW + 61_000, NOW)
  assert.equal(scheduler.readerShouldWait(NOW), true)
  scheduler.pauseForQuota({ kind: 'user', id: '0' }, NOW)
  assert.equal(scheduler.readerShouldWait(NOW), false)
})

test('--max-eps is a limit of all together, makes nothing hot, and makes the reader wait at 10 s of it', () => {
  const { scheduler, offer } = setUp({ maxEventsPerSecond: 10 })
  offer(
    Array.from({ length: 93 }, (_, at) => event('', `u${at}`)),
    NOW,
  )
  assert.equal(scheduler.readerShouldWait(NOW), false)
  offer([event('', 'more')], NOW)
  assert.equal(scheduler.readerShouldWait(NOW), true)
  scheduler.endInput()
  assert.equal(scheduler.next(NOW, true)?.events.length, 10)
  assert.equal(scheduler.next(NOW, true), null)
  assert.equal(scheduler.statistics().hotIdentities, 0)
})

test('lanes that wait for --max-eps are not overtaken by those that come later', () => {
  const { scheduler, offer } = setUp({ maxEventsPerSecond: 10 })
  offer(
    Array.from({ length: 12 }, (_, at) => event(`${at}`, `u${at}`)),
    NOW,
  )
  scheduler.endInput()
  scheduler.next(NOW, true)
  offer([event('late', 'late')], NOW + 150)
  assert.equal(scheduler.next(NOW + 150, true), null)
  assert.deepEqual(namesOf(scheduler.next(NOW + 600, true)).slice(0, 3), ['10', '11', 'late'])
})

/** Events of `hot` and of the others in ten seconds of `--max-eps` 100, every request answered at once. */
function tenSecondsBehindCap(
  eventsPerSecond: number,
  others: number,
): { readonly hot: number; readonly others: number } {
  const { scheduler, offer } = setUp({ eventsPerSecond, burst: 30, maxEventsPerSecond: 100, startedMs: NOW })
  offer(
    Array.from({ length: others }, (_, at) => event('', `u${at}`)),
    NOW,
  )
  // Fewer than would make it hot.
  offer(many(Math.min(2000, 9 * eventsPerSecond), 'hot'), NOW)
  const sent = { hot: 0, others: 0 }
  for (let nowMs = NOW; nowMs <= NOW + 10_000; nowMs += 10) {
    const request = scheduler.next(nowMs, true)
    if (request === null) continue
    for (const { user } of request.events) sent[user === 'hot' ? 'hot' : 'others'] += 1
    scheduler.settled(request, nowMs)
  }
  return sent
}

const LET_PASS = (10 * 100 * 29) / 31.05

test('where --max-eps is short, a lane that takes long comes first, at its own rate', () => {
  const { hot, others } = tenSecondsBehindCap(30, 2000)
  // All but its last burst, which may wait as long as it likes.
  assert.ok(hot >= 240 && hot <= 270, `${hot} of the long lane`)
  assert.ok(hot + others > LET_PASS - 80 && hot + others <= LET_PASS, `${hot + others} in all`)
})

test('where --max-eps is short, a lane that takes long leaves the others half of it', () => {
  const { hot, others } = tenSecondsBehindCap(300, 2000)
  assert.ok(hot > LET_PASS / 2 - 30 && hot <= LET_PASS / 2 + 1, `${hot} of the long lane`)
  assert.ok(hot + others > LET_PASS - 80 && hot + others <= LET_PASS, `${hot + others} in all`)
})

test('what the others do not take of --max-eps is for the lane that takes long', () => {
  const { hot, others } = tenSecondsBehindCap(300, 50)
  assert.equal(others, 50)
  assert.ok(hot + others > LET_PASS - 40 && hot + others <= LET_PASS, `${hot + others} in all`)
})

test('with --max-rps half of each request is for lanes that take long', () => {
  const { scheduler, offer } = setUp({ maxRequestsPerSecond: 1, maxRequestEvents: 40 })
  offer(
    Array.from({ length: 100 }, (_, at) => event('', `u${at}`)),
    NOW,
  )
  offer([...many(100, 'long'), ...many(100, 'longer')], NOW)
  const users = given(scheduler.next(NOW, true)).events.map(({ user }) => user)
  assert.equal(users.filter((user) => user === 'long' || user === 'longer').length, 20)
  assert.equal(users.length, 40)
})

test('with --max-rps lanes that take long have all of a request that the others cannot fill', () => {
  const { scheduler, offer } = setUp({ maxRequestsPerSecond: 1, maxRequestEvents: 40 })
  offer([...many(2, 'a'), ...many(1, 'b'), ...many(100, 'long'), ...many(100, 'longer')], NOW)
  assert.equal(given(scheduler.next(NOW, true)).events.length, 40)
})

test('--max-rps limits requests, repeats too', () => {
  const { scheduler, offer } = setUp({ maxRequestsPerSecond: 2, maxRequestEvents: 1 })
  offer(
    Array.from({ length: 4 }, (_, at) => event('', `u${at}`)),
    NOW,
  )
  const first = given(scheduler.next(NOW, true))
  scheduler.next(NOW, true)
  assert.equal(scheduler.next(NOW, true), null)
  scheduler.repeat(first, [[0]], NOW, NOW)
  assert.equal(scheduler.next(NOW + 100, true), null)
  const nextMs = scheduler.nextWakeMs(NOW + 100, true)
  assert.ok(nextMs > NOW + 500 && nextMs < NOW + 600)
  assert.equal(scheduler.next(nextMs, true)?.repeated, true)
})

test('eps_threshold lowers the limit of the run, and never raises it', () => {
  const { scheduler, offer } = setUp()
  scheduler.lowerLimit(40, NOW)
  assert.equal(scheduler.statistics().eventsPerSecond, 30)
  scheduler.lowerLimit(10, NOW)
  offer(many(30, 'u'), NOW)
  scheduler.endInput()
  assert.equal(scheduler.next(NOW, true)?.events.length, 10)
})

test('a repeat that needs more tokens than a bucket now holds is cut', () => {
  const { scheduler, offer } = setUp()
  offer(many(30, 'u'), NOW)
  scheduler.endInput()
  const request = given(scheduler.next(NOW, true))
  scheduler.lowerLimit(10, NOW)
  scheduler.repeat(request, [request.events.map((_, at) => at)], NOW, NOW)
  assert.equal(scheduler.next(NOW + 4000, true)?.events.length, 10)
})

test('while a repeat waits for tokens no lane takes them', () => {
  const { scheduler, offer } = setUp()
  offer(many(30, 'a', 'shared'), NOW)
  const request = given(scheduler.next(NOW, true) ?? scheduler.next(NOW + 50, true))
  scheduler.repeat(request, [request.events.map((_, at) => at)], NOW + 50, NOW + 50)
  let nowMs = NOW + 50
  let next = scheduler.next(nowMs, true)
  while (next === null && nowMs < NOW + 5000) {
    nowMs += 40
    offer([event('new', `u${nowMs}`, 'shared')], nowMs)
    next = scheduler.next(nowMs, true)
  }
  assert.equal(next?.repeated, true)
  assert.ok(nowMs < NOW + 1200)
})

test('a woken lane leaves the others that were woken with it a token each', () => {
  const { scheduler, offer } = setUp({ maxEventsPerSecond: 10 })
  offer([...many(10, 'first'), ...many(10, 'deep'), ...many(1, 'short')], NOW)
  scheduler.endInput()
  assert.equal(scheduler.next(NOW, true)?.events.length, 10)
  assert.deepEqual(namesOf(scheduler.next(NOW + 540, true)), ['deep0', 'deep1', 'deep2', 'deep3', 'short0'])
})

test("Amplitude's word on a daily quota pauses an identity for an hour at a time", () => {
  const { scheduler, offer } = setUp()
  scheduler.pauseForQuota({ kind: 'device', id: 'd' }, NOW)
  offer([event('d', null, 'd'), event('other', 'u')], NOW)
  scheduler.endInput()
  assert.equal(scheduler.onlyQuotaLeftUntilMs(NOW), null)
  const request = given(scheduler.next(NOW, true))
  assert.deepEqual(namesOf(request), ['other'])
  assert.equal(scheduler.onlyQuotaLeftUntilMs(NOW), null)
  scheduler.settled(request, NOW + 100)
  scheduler.next(NOW + 100, true)
  assert.equal(scheduler.onlyQuotaLeftUntilMs(NOW + 100), 3_600_000)
})
