import type { ApiName } from '../amplitude/limits.ts'
import { type Clock, systemClock } from '../clock.ts'
import type { Mapping } from '../mapping/plan.ts'
import type { RejectReason } from '../model.ts'
import type { Format } from '../read/detect.ts'
import type { OpenStoredFile } from '../read/stored-bytes.ts'
import type { Shard } from '../shard.ts'
import { diskFileSystem, type FileSystem } from '../state/file-system.ts'
import type { MaxErrors } from '../state/ledger.ts'
import { type Processes, systemProcesses } from '../state/processes.ts'
import type { RunChoices } from '../state/run-identity.ts'
import type { RunStateOptions } from '../state/run-state.ts'
import type { HttpClient, HttpClientOptions } from '../upload/http-client.ts'
import { createHttpThread } from '../upload/http-thread.ts'
import type { HttpProxy } from '../upload/proxy.ts'
import type { UploadSettings } from '../upload/upload-settings.ts'

/** How far an invocation goes and what it shows, whether it sends or not. */
export interface Invocation {
  /** Records to read at most. */
  readonly limit?: number
  readonly maxErrors?: MaxErrors
  /** Records that are there twice are sent once. */
  readonly dedupe: boolean
  /** The file that the summary is written to. */
  readonly summary?: string
  /** The summary is printed. */
  readonly json?: true
  readonly quiet?: true
  readonly progress: boolean
}

/** What becomes of events whose outcome nobody knows any more. */
export const UNKNOWN_ACTS = ['resend', 'dead-letter'] as const

/** How an upload goes on with what it finds in its state directory (state/README.md §3, §5). */
export interface StateChoices {
  /** The directory. */
  readonly state: string
  readonly fresh?: true
  readonly resend?: true
  readonly unknown?: (typeof UNKNOWN_ACTS)[number]
  readonly acceptChanges?: true
  /** Questions are answered with yes. */
  readonly yes?: true
}

/** Asks a person; null when there is none to be asked. */
export type Ask = ((question: string) => Promise<boolean>) | null

/** The URL that requests are posted to. */
export interface Destination {
  readonly url: URL
  /** Without the API's path. */
  readonly base: string
  /** Nothing leaves this machine: no questions asked. */
  readonly isLocal: boolean
  /** What requests go through; null for nothing. */
  readonly proxy: HttpProxy | null
}

type SessionOptions = Invocation & StateChoices & { readonly api: ApiName; readonly gzip?: true }

/** An upload, whatever its records come from. */
export interface Session {
  readonly title: string
  readonly options: SessionOptions
  readonly destination: Destination
  readonly settings: UploadSettings
  readonly key: string
  readonly mapping: Mapping
  readonly choices: RunChoices
  readonly format: Format | null
  readonly shard: Shard | undefined
  readonly kind: ReplaySession | RetrySession
  readonly ask: Ask
}

/** Sends exports. */
interface ReplaySession {
  readonly is: 'replay'
  /** In the run's order. */
  readonly paths: () => Iterable<string>
  /** Of all inputs; null when nobody knows. */
  readonly bytes: number | null
  /** What is shown before anything is sent to a project for the first time; null for nothing. */
  readonly facts: (() => string) | null
}

/** Sends the dead letters of a run again, and nothing else. */
interface RetrySession {
  readonly is: 'retry'
  /** Only those letters; null for all. */
  readonly reason: RejectReason | null
}

/** What an upload asks of the world outside: a parameter, so that tests can crash it at any call, and fail any read of an input. */
export interface Machine {
  readonly fileSystem: FileSystem
  readonly clock: Clock
  readonly processes: Processes
  readonly connect: (options: HttpClientOptions) => HttpClient
  /** Opens the inputs, when it is not the system that does. */
  readonly openFile?: OpenStoredFile | undefined
  readonly sizes?: RunStateOptions['sizes']
}

export const THIS_MACHINE: Machine = {
  fileSystem: diskFileSystem,
  clock: systemClock,
  processes: systemProcesses,
  connect: createHttpThread,
}

/** Shows lines on standard error, unless the user wants it quiet. */
export function tellerOf({ options }: Session): (line: string) => void {
  return options.quiet ? () => {} : (line) => process.stderr.write(`${line}\n`)
}
