import type { Command } from 'commander'
import type { ApiName, Region } from '../../amplitude/limits.ts'
import type { Invocation } from '../../session/session.ts'
import type { Shard } from '../../shard.ts'
import { addInputOptions, addMappingOptions, type InputOptions, type MappingFlags } from './input-options.ts'
import { parseCount, parseMaxErrors } from './option-values.ts'
import { parseShard } from './shard-option.ts'
import { addUploadOptions, apiOption, regionOption, type UploadOptions } from './upload-options.ts'

/** What every run needs, whether it sends or not. */
export interface RunOptions extends Invocation, InputOptions, MappingFlags {
  readonly shard?: Shard
}

export type ReplayOptions = RunOptions & UploadOptions & { readonly dryRun?: true }

/** Declares the arguments and options of `replay`. */
export function addReplayOptions(command: Command): Command {
  command.option('--dry-run', 'write the events to standard output as NDJSON instead of sending them')
  addInputOptions(command)
  addMappingOptions(command)
  command
    .option('--limit <n>', 'end after this many records', parseCount)
    .option(
      '--shard <i/n|auto>',
      'as worker I of N: only its users, and its part of --max-eps and --max-rps; auto: as the scheduler says',
      (text: string) => parseShard(text, process.env),
    )
    .option('--no-dedupe', 'send records again that are there twice')
    .option('--max-errors <n|p%>', 'stop when more records than this are rejected', parseMaxErrors)
    .addOption(apiOption().default('http' satisfies ApiName))
    .addOption(regionOption().default('us' satisfies Region))
  return addUploadOptions(command)
    .option('--fresh', 'begin anew: moves the state of the run before aside')
    .option('--resend', 'send files again that were delivered already')
    .option('--yes', 'send without asking')
}
