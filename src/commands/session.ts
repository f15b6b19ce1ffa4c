import { type Clock, systemClock } from '../clock.ts'
import type { Mapping } from '../map/plan.ts'
import type { Format } from '../read/detect.ts'
import type { Shard } from '../shard.ts'
import type { Checkpoint } from '../state/checkpoint.ts'
import { diskFileSystem, type FileSystem } from '../state/file-system.ts'
import { type Processes, systemProcesses } from '../state/processes.ts'
import type { RunChoices } from '../state/run-identity.ts'
import type { RunStateOptions } from '../state/run-state.ts'
import type { HttpClient, HttpClientOptions } from '../upload/http-client.ts'
import { createHttpThread } from '../upload/http-thread.ts'
import type { UploadSettings } from '../upload/upload-settings.ts'
import type { Destination } from './destination.ts'
import type { RunOptions, UploadOptions } from './replay-options.ts'
import type { Ask } from './resume.ts'

type SessionOptions = Pick<RunOptions, 'limit' | 'dedupe' | 'maxErrors' | 'summary' | 'json' | 'quiet' | 'progress'> &
  Omit<UploadOptions, 'apiKey' | 'apiKeyFile' | 'region'>

/** An upload, whatever its records come from: exports under `replay`, dead letters under `retry`. */
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
  /** Paths in the run's order; null to send dead letters again, and nothing else. */
  readonly paths: (() => Iterable<string>) | null
  /** Bytes of all inputs; null when nobody knows. */
  readonly bytes: number | null
  /** What is shown before anything is sent to a project for the first time. */
  readonly facts: (() => string) | null
  /** Changes the checkpoint that the run goes on from, when it is certain that it does. */
  readonly prepare?: (saved: Checkpoint | null, fileSystem: FileSystem) => Promise<Checkpoint | null>
  readonly ask: Ask
}

/** What an upload asks of the world outside, but for its inputs: a parameter, so that tests can crash it at any call. */
export interface Machine {
  readonly fileSystem: FileSystem
  readonly clock: Clock
  readonly processes: Processes
  readonly connect: (options: HttpClientOptions) => HttpClient
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
