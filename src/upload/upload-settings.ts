import { API_LIMITS, type ApiName } from '../amplitude/limits.ts'

/** What the user may set (options of an upload in README.md). Null means that Amplitude's own limit counts. */
export interface UploadSettings {
  readonly api: ApiName
  readonly concurrency: number | 'auto'
  readonly batchSize: number | null
  /** The limit of each device and each user. */
  readonly deviceEventsPerSecond: number | null
  /** Events that an idle device or user may send at once. */
  readonly deviceBurst: number | null
  readonly maxEventsPerSecond: number | null
  readonly maxRequestsPerSecond: number | null
  readonly onQuota: 'wait' | 'stop'
  readonly giveUpAfterMs: number
}

/** Events that one device or user may send in a second when the run begins. */
export function eventsPerSecondOf({ api, deviceEventsPerSecond }: UploadSettings): number {
  return deviceEventsPerSecond ?? API_LIMITS[api].eventsPerSecond
}
