import { UsageError } from '../errors.ts'
import type { OpenSource } from '../model.ts'
import { ownCommand } from '../own-command.ts'

/** The command that makes an input readable: it writes records to its standard output, or files into a folder. */
export type Advice =
  | { readonly is: 'pipe'; readonly command: string }
  | { readonly is: 'folder'; readonly command: string; readonly folder: string }

/** An input holds what is recognised, but not read. The hint is the line to type instead, with the user's own command. */
export class NotReadError extends UsageError {
  private readonly source: OpenSource
  private readonly what: string
  private readonly advice: Advice | null

  /** @param paths those that the user gave */
  constructor(source: OpenSource, what: string, advice: Advice | null, paths: readonly string[] = []) {
    super(`${source.path} is ${what}, which is not read`, { hint: hintOf(source, advice, paths) })
    this.source = source
    this.what = what
    this.advice = advice
  }

  /** The same error in a command with these paths. */
  of(paths: readonly string[]): NotReadError {
    return new NotReadError(this.source, this.what, this.advice, paths)
  }
}

function hintOf({ fileType }: OpenSource, advice: Advice | null, paths: readonly string[]): string {
  if (advice === null) return 'Give a file of NDJSON, JSON, CSV or Avro.'
  // A pipe has no path that says the type.
  const { command } = advice
  if (advice.is === 'pipe') return `Type instead: ${command} | ${ownCommand(paths, '-', fileType)}`
  return `Type instead: ${command} && ${ownCommand(paths, advice.folder, null)}`
}
