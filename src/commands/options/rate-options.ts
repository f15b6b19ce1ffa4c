import { type Command, Option } from 'commander'
import { PLAN_LIMITS, PLANS, type Plan } from '../../amplitude/limits.ts'
import type { Shard } from '../../shard.ts'
import type { UploadSettings } from '../../upload/upload-settings.ts'
import { parsePositive, parseRate } from './option-values.ts'

/** Options that bound how fast an upload goes. */
export interface RateOptions {
  readonly batchSize?: number
  readonly deviceEps?: number
  readonly deviceBurst?: number
  readonly maxEps?: number
  readonly maxRps?: number
  readonly plan?: Plan
}

export function addRateOptions(command: Command): Command {
  return command
    .option('--batch-size <n>', 'events in a request at most (default: 1999 on http, 2000 on batch)', parsePositive)
    .option(
      '--device-eps <n>',
      'events a second of each device and user (default: 30 on http, 300 on batch)',
      parseRate,
    )
    .option('--device-burst <n>', "events that an idle device may send at once (default: a second's worth)", parseRate)
    .option('--max-eps <n>', 'events a second of the whole run', parseRate)
    .option('--max-rps <n>', 'requests a second of the whole run', parseRate)
    .addOption(new Option('--plan <plan>', "limits of an Amplitude plan's projects").choices(PLANS))
}

type RateSettings = Pick<
  UploadSettings,
  'batchSize' | 'deviceEventsPerSecond' | 'deviceBurst' | 'maxEventsPerSecond' | 'maxRequestsPerSecond'
>

/**
 * How fast an upload goes at most: as was asked for, else as the plan allows. All shards together keep what is meant for the whole
 * project (src/README.md §6).
 */
export function rateSettingsOf(options: RateOptions, shard?: Shard): RateSettings {
  const share = (cap: number | undefined) => (cap === undefined ? null : cap / (shard?.count ?? 1))
  const plan = options.plan === undefined ? null : PLAN_LIMITS[options.plan]
  return {
    batchSize: options.batchSize ?? plan?.maxEvents ?? null,
    deviceEventsPerSecond: options.deviceEps ?? null,
    deviceBurst: options.deviceBurst ?? null,
    maxEventsPerSecond: share(options.maxEps ?? plan?.eventsPerSecond),
    maxRequestsPerSecond: share(options.maxRps ?? plan?.requestsPerSecond),
  }
}
