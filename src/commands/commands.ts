import type { Command } from 'commander'
import type { Run } from './with-signals.ts'

/** A command, loaded when it is asked for: to load all of them takes longer than a small run. */
interface CommandEntry {
  readonly name: string
  /** Its line in `braze2amp --help`. */
  readonly summary: string
  /** Gives the function that declares what it takes and does. */
  readonly load: () => Promise<(command: Command, run: Run) => void>
}

/** Every command, in the order of the help; adding one is a file and an entry. */
export const COMMANDS: readonly CommandEntry[] = [
  {
    name: 'replay',
    summary: 'map exports to Amplitude events and send them; --dry-run writes them to stdout',
    load: async () => (await import('./replay.ts')).declareReplay,
  },
  {
    name: 'validate',
    summary: 'check a mapping file, and records against Braze and Amplitude: for CI',
    load: async () => (await import('./validate.ts')).declareValidate,
  },
  {
    name: 'inspect',
    summary: 'what is in there: types, names to appear, time range, hot identities, time and quota needed',
    load: async () => (await import('./inspect.ts')).declareInspect,
  },
  {
    name: 'explain',
    summary: 'one record beside the event it becomes, and why; or why it is skipped',
    load: async () => (await import('./explain.ts')).declareExplain,
  },
  {
    name: 'status',
    summary: 'where a run stands, from its state directory, also while it runs',
    load: async () => (await import('./status.ts')).declareStatus,
  },
  {
    name: 'retry',
    summary: 'send the dead letters again once their cause is mended',
    load: async () => (await import('./retry.ts')).declareRetry,
  },
  {
    name: 'events',
    summary: 'the catalogue: event types, their Amplitude names, how sure each name is',
    load: async () => (await import('./list-events.ts')).declareEvents,
  },
  {
    name: 'mapping',
    summary: 'mapping files: a commented starter, a check, a JSON Schema for editors',
    load: async () => (await import('./mapping.ts')).declareMapping,
  },
  {
    name: 'emulator',
    summary: 'a local Amplitude that enforces the documented limits: rehearse a backfill without an account',
    load: async () => (await import('./emulator.ts')).declareEmulator,
  },
  {
    name: 'completion',
    summary: 'shell completion',
    load: async () => (await import('./completion.ts')).declareCompletion,
  },
]
