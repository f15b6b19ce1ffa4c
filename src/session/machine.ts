import { type Clock, systemClock } from '../clock.ts'
import type { OpenStoredFile } from '../read/stored-bytes.ts'
import { diskFileSystem, type FileSystem } from '../state/file-system.ts'
import { type Processes, systemProcesses } from '../state/processes.ts'
import type { RunStateOptions } from '../state/run-state.ts'
import type { HttpClient, HttpClientOptions } from '../upload/http-client.ts'
import { createHttpThread } from '../upload/http-thread.ts'

/** What an upload needs of the world outside. A parameter, so that tests can crash an upload at any call, and fail any read. */
export interface Machine {
  readonly fileSystem: FileSystem
  readonly clock: Clock
  readonly processes: Processes
  readonly connect: (options: HttpClientOptions) => HttpClient
  /** Opens the inputs; absent when the system does. */
  readonly openFile?: OpenStoredFile | undefined
  readonly sizes?: RunStateOptions['sizes']
}

export const THIS_MACHINE: Machine = {
  fileSystem: diskFileSystem,
  clock: systemClock,
  processes: systemProcesses,
  connect: createHttpThread,
}
