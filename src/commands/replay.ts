import type { Command } from 'commander'
import { refuseKeyOption } from './options/api-key.ts'
import { addReplayOptions, type ReplayOptions } from './options/replay-options.ts'
import type { Run } from './with-signals.ts'

const EXAMPLES = `
Examples:
  braze2amp replay ./exports --dry-run | less          look at the events, send nothing
  braze2amp replay ./exports --dry-run --limit 5 --quiet
  braze2amp replay 'exports/**/*.avro' --dry-run --since 2026-01-01 --until 2026-02-01 > january.ndjson
  gzip -dc opens.ndjson.gz | braze2amp replay - --dry-run --event-type users.messages.email.Open

  AMPLITUDE_API_KEY=any braze2amp replay ./exports --endpoint http://127.0.0.1:8787     rehearse: braze2amp emulator
  braze2amp replay ./exports --api-key-file key.txt --api batch --until 2026-02-01      a backfill
`

/** `replay [paths…]`: map the exports and send the events, or with `--dry-run` write them. */
export function declareReplay(command: Command, run: Run): void {
  command.description(
    'Reads stored Braze Currents exports, maps every event as the live connector does, and replays them into Amplitude.',
  )
  addReplayOptions(command)
    .addHelpText('after', EXAMPLES)
    .action((paths: readonly string[], options: ReplayOptions) =>
      run(async (signal) => {
        refuseKeyOption(options)
        // Loading the HTTP client takes longer than a small dry run.
        if (options.dryRun) return (await import('./replay-dry-run.ts')).dryRun(paths, options, signal)
        return (await import('./replay-upload.ts')).upload(paths, options, signal)
      }),
    )
}
