import type { Gate } from './admission.ts'
import { gateRefusal, type Refusal, type Success } from './answers.ts'
import type { Api } from './documented-limits.ts'
import type { ResolvedOptions } from './emulator-options.ts'
import type { EventFile } from './event-file.ts'
import { createIngestion } from './ingestion.ts'
import { parseRequest } from './parse-request.ts'
import type { Counters } from './stats.ts'

interface Judging {
  readonly options: Pick<ResolvedOptions, 'apiKey' | 'clock'>
  readonly gate: Gate
  readonly counters: Counters
  readonly file: EventFile
}

/** Decides over one body without awaiting, and takes its events or none of them (amplitude/README.md §3). */
export function createJudge({ options, gate, counters, file }: Judging): (api: Api, body: Buffer) => Success | Refusal {
  const ingestion = createIngestion()
  const { apiKey, clock } = options

  return (api, body) => {
    const events = parseRequest(api, body, apiKey)
    if ('reason' in events) return events

    const nowMs = clock.now()
    const admission = gate.admit(api, events, nowMs)
    if (admission.kind !== 'admitted') return gateRefusal(admission)

    const { unique, outOfOrder } = ingestion.ingest(api, events, nowMs)
    counters.unique += unique.length
    counters.duplicates += events.length - unique.length
    counters.outOfOrder += outOfOrder
    file.append(unique)
    const ingested = { code: 200, events_ingested: events.length, payload_size_bytes: body.length }
    return { status: 200, body: { ...ingested, server_upload_time: clock.wallClock() }, events: events.length }
  }
}
