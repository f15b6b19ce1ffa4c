import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { closeSync, openSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { ndjson } from '../shapes/json.ts'
import type { DataSetName } from './data-sets.ts'
import { entryOf, randomOf, recordOf } from './generate.ts'
import { ended } from './measure.ts'

/** Where a case finds what it works with. */
export interface Places {
  /** Our program. */
  readonly binary: string
  /** The folder of a data set. */
  data(name: DataSetName): string
  /** A file with one record. */
  readonly oneRecord: string
  /** A file with the events of the NDJSON, as they are sent; empty when there is no SDK to send them. */
  readonly events: string
  /** The folder in which Amplitude's SDK is installed; empty when none was named. */
  readonly sdk: string
  /** Base address of an Amplitude that takes everything. */
  readonly server: string
}

/** Writes a file with one record to a folder; returns its path. */
export function writeOneRecord(folder: string): string {
  const entry = entryOf('users.messages.email.Open')
  const path = join(folder, `${entry.event_type}.ndjson`)
  writeFileSync(path, ndjson({ entry, records: [recordOf(entry, randomOf(1), 0)] }))
  return path
}

/** Writes the events of a data set, as our program makes them, to a file in `folder`; returns its path. */
export async function writeEvents(binary: string, data: string, folder: string, stop: AbortSignal): Promise<string> {
  const path = join(folder, 'events.ndjson')
  const output = openSync(path, 'w')
  const words = [binary, 'replay', data, '--dry-run', '--quiet']
  const code = await ended(
    spawn(process.execPath, words, { cwd: folder, stdio: ['ignore', output, 'inherit'], signal: stop }),
  )
  closeSync(output)
  if (code !== 0) throw new Error(`the events cannot be written: exit code ${code}`)
  return path
}

/** A server that answers without looking, in a process of its own. */
interface Server {
  readonly url: string
  end(): Promise<void>
}

export async function startServer(): Promise<Server> {
  const program = fileURLToPath(new URL('programs/stub-server.js', import.meta.url))
  const child = spawn(process.execPath, [program], { stdio: ['pipe', 'pipe', 'inherit'] })
  const gone = ended(child)
  const [port] = await once(child.stdout, 'data')
  return {
    url: `http://127.0.0.1:${String(port).trim()}`,
    end: async () => {
      child.stdin.destroy()
      await gone
    },
  }
}
