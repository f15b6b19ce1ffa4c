import type { SingleBar } from 'cli-progress'
import type { Clock } from '../clock.ts'
import { bytes, number, span } from './number.ts'

/** Where a run stands at one instant. */
export interface Picture {
  readonly records: number
  readonly bytes: number
  /** Null when nobody knows. */
  readonly totalBytes: number | null
  readonly accepted: number
  readonly rejected: number
  readonly elapsedMs: number
  /** Null in a dry run. */
  readonly upload: UploadPicture | null
}

export interface UploadPicture {
  readonly eventsPerSecond: number
  readonly inFlight: number
  /** Identities whose events wait for their limit. */
  readonly held: number
  readonly deferred: number
  readonly retries: number
  /** Events read and not settled. */
  readonly waiting: number
  /** Events of the identity with the most waiting, and what it may send a second. */
  readonly longestLane: number
  readonly eventsPerSecondOfIdentity: number
}

/** How progress is shown. */
export type ProgressKind = 'bar' | 'lines' | 'none'

export interface Progress {
  /** Shows a line without breaking the bar. */
  print(line: string): void
  stop(): void
}

const LINE_EVERY_MS = 5000
const BAR_EVERY_MS = 200

interface ProgressOptions {
  readonly kind: ProgressKind
  readonly clock: Clock
  readonly picture: () => Picture
  readonly stream: NodeJS.WriteStream
}

/** Shows the picture over and over until it is stopped. */
export async function startProgress({ kind, clock, picture, stream }: ProgressOptions): Promise<Progress> {
  const stopped = new AbortController()
  const bar = kind === 'bar' ? await createBar(stream) : null

  async function repeat(everyMs: number, show: () => void): Promise<void> {
    for (;;) {
      await clock.sleep(everyMs, stopped.signal)
      if (stopped.signal.aborted) return
      show()
    }
  }

  if (bar !== null) {
    bar.start(1, 0, { text: '' })
    void repeat(BAR_EVERY_MS, () => {
      const now = picture()
      const total = now.totalBytes ?? 0
      bar.setTotal(Math.max(total, 1))
      bar.update(Math.min(now.bytes, total), { text: progressText(now) })
    })
  } else if (kind === 'lines') {
    void repeat(LINE_EVERY_MS, () => stream.write(`${progressText(picture())}\n`))
  }

  return {
    print(line) {
      // The bar draws itself again, below the line.
      stream.write(bar !== null && !stopped.signal.aborted ? `\r\x1b[K${line}\n` : `${line}\n`)
    },
    stop() {
      if (stopped.signal.aborted) return
      stopped.abort()
      bar?.stop()
    },
  }
}

async function createBar(stream: NodeJS.WriteStream): Promise<SingleBar> {
  // Its modules are many, and take longer to load than a small run.
  const { Presets, SingleBar } = await import('cli-progress')
  const format = '{bar} {percentage}% {text}'
  return new SingleBar({ stream, format, barsize: 20, hideCursor: true, clearOnComplete: true }, Presets.shades_classic)
}

/** One line that says where the run stands. */
export function progressText(picture: Picture): string {
  const { records, rejected, upload } = picture
  const read = `${number(records)} read, ${bytes(picture.bytes)}${picture.totalBytes === null ? '' : ` of ${bytes(picture.totalBytes)}`}`
  if (upload === null) {
    return [read, `${number(rejected)} rejected`, etaText(picture)].join(' · ')
  }
  return [
    read,
    `${number(picture.accepted)} accepted`,
    `${number(upload.eventsPerSecond)}/s`,
    `${upload.inFlight} in flight`,
    `${number(upload.held)} held`,
    `${number(upload.deferred)} deferred`,
    `${number(rejected)} rejected`,
    `${number(upload.retries)} retries`,
    etaText(picture),
  ].join(' · ')
}

/** How long it will take and what it waits for, or `ETA unknown`. */
export function etaText({ bytes: read, totalBytes, elapsedMs, upload }: Picture): string {
  if (totalBytes === null || (read === 0 && totalBytes > 0) || elapsedMs <= 0) return 'ETA unknown'
  const bounds: { ms: number; by: string }[] = []
  if (read < totalBytes) {
    const by = upload === null ? 'reading' : 'throughput'
    bounds.push({ ms: ((totalBytes - read) / read) * elapsedMs, by })
  }
  if (upload !== null) {
    const perSecond = Math.max(upload.eventsPerSecond, 1)
    bounds.push({
      ms: (upload.longestLane / upload.eventsPerSecondOfIdentity) * 1000,
      by: 'the limit of one device or user',
    })
    if (read >= totalBytes) bounds.push({ ms: (upload.waiting / perSecond) * 1000, by: 'throughput' })
  }
  const slowest = bounds.reduce((most, bound) => (bound.ms > most.ms ? bound : most), { ms: 0, by: '' })
  return slowest.by === '' ? 'ETA 0 s' : `ETA ${span(slowest.ms)} (${slowest.by})`
}
