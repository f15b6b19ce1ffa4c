import type { Command } from 'commander'
import { refuseKeyOption } from './api-key.ts'
import { dryRun } from './replay-dry-run.ts'
import { declareReplayOptions, type ReplayOptions } from './replay-options.ts'
import { upload } from './replay-upload.ts'
import type { Run } from './run.ts'

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
export function addReplayCommand(program: Command, run: Run): void {
  const command = program
    .command('replay')
    .summary('map exports to Amplitude events and send them; --dry-run writes them to stdout')
    .description(
      'Reads stored Braze Currents exports, maps every event as the live connector does, and replays them into Amplitude.',
    )
    .argument('<paths...>', 'files, directories, globs, or - for standard input')
  declareReplayOptions(command)
    .addHelpText('after', EXAMPLES)
    .action((paths: readonly string[], options: ReplayOptions) =>
      run((signal) => {
        refuseKeyOption(options)
        return options.dryRun ? dryRun(paths, options, signal) : upload(paths, options, signal)
      }),
    )
}
