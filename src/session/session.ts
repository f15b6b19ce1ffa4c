import type { ApiName } from '../amplitude/limits.ts'
import type { Mapping } from '../mapping/plan.ts'
import type { CsvChoices, RejectReason } from '../model.ts'
import type { Format } from '../read/detect.ts'
import type { Shard } from '../shard.ts'
import type { MaxErrors } from '../state/ledger.ts'
import type { RunChoices } from '../state/run-identity.ts'
import type { HttpProxy } from '../upload/proxy.ts'
import type { UploadSettings } from '../upload/upload-settings.ts'

/** How far an invocation goes and what it shows, whether it sends or not. */
export interface Invocation {
  /** Records to read at most. */
  readonly limit?: number
  readonly maxErrors?: MaxErrors
  /** Sends a record that occurs twice only once. */
  readonly dedupe: boolean
  /** The file to write the summary to. */
  readonly summary?: string
  /** Prints the summary. */
  readonly json?: true
  readonly quiet?: true
  readonly progress: boolean
}

/** What to do with events whose outcome is unknown. */
export const UNKNOWN_ACTS = ['resend', 'dead-letter'] as const

/** How an upload treats the state that it finds in its directory (state/README.md §3, §5). */
export interface StateChoices {
  /** The directory. */
  readonly state: string
  readonly fresh?: true
  readonly resend?: true
  readonly unknown?: (typeof UNKNOWN_ACTS)[number]
  readonly acceptChanges?: true
  /** Answers every question with yes. */
  readonly yes?: true
}

/** Asks the user a question; null when no user can be asked. */
export type Ask = ((question: string) => Promise<boolean>) | null

/** The URL that requests are posted to. */
export interface Destination {
  readonly url: URL
  /** The URL without the API's path. */
  readonly base: string
  /** The events stay on this machine, so no questions are asked. */
  readonly isLocal: boolean
  /** The proxy that requests go through; null for none. */
  readonly proxy: HttpProxy | null
}

type SessionOptions = Invocation & StateChoices & { readonly api: ApiName; readonly gzip?: true }

/** An upload, of exports or of dead letters. */
export interface Session {
  readonly title: string
  readonly options: SessionOptions
  readonly destination: Destination
  readonly settings: UploadSettings
  readonly key: string
  readonly mapping: Mapping
  readonly choices: RunChoices
  readonly format: Format | null
  readonly csv: CsvChoices
  readonly shard: Shard | undefined
  readonly kind: ReplaySession | RetrySession
  readonly ask: Ask
}

/** Sends exports. */
interface ReplaySession {
  readonly is: 'replay'
  /** The paths as they were given. */
  readonly given: readonly string[]
  /** In the run's order. */
  readonly paths: () => Iterable<string>
  /** Bytes of all inputs; null when unknown. */
  readonly bytes: number | null
  /** The text to show before anything is sent to a project for the first time; null for none. */
  readonly facts: (() => string) | null
}

/** Sends the dead letters of a run again, and nothing else. */
interface RetrySession {
  readonly is: 'retry'
  /** Sends only the letters of this reason; null for all. */
  readonly reason: RejectReason | null
}

/** Shows lines on standard error, unless `--quiet` is given. */
export function tellerOf({ options }: Session): (line: string) => void {
  return options.quiet ? () => {} : (line) => process.stderr.write(`${line}\n`)
}
