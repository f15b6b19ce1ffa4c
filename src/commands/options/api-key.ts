import { readFile } from 'node:fs/promises'
import { text } from 'node:stream/consumers'
import { UsageError } from '../../errors.ts'
import { STDIN } from '../../read/file-list.ts'
import type { UploadOptions } from './upload-options.ts'

const HOW = 'Set AMPLITUDE_API_KEY, or name a file that holds the key with --api-key-file FILE (- for standard input).'

/**
 * Refuses `--api-key` without showing what came with it.
 * @throws UsageError
 */
export function refuseKeyOption({ apiKey }: Pick<UploadOptions, 'apiKey'>): void {
  if (apiKey === undefined) return
  throw new UsageError('a key on the command line can be read by everyone on this machine, and stays in the history', {
    hint: HOW,
  })
}

/**
 * The project's API key, from `--api-key-file` or the environment.
 * @throws UsageError when there is none, or it cannot be one
 */
export async function readApiKey(options: UploadOptions, paths: readonly string[]): Promise<string> {
  const { apiKeyFile } = options
  const key = (
    apiKeyFile === undefined ? process.env['AMPLITUDE_API_KEY'] : await readKeyFile(apiKeyFile, paths)
  )?.trim()
  if (key === undefined || key === '') {
    throw new UsageError(apiKeyFile === undefined ? 'no API key' : `no API key in ${apiKeyFile}`, { hint: HOW })
  }
  if (/[\s\p{Cc}]/u.test(key)) throw new UsageError('the API key holds a space or a line break', { hint: HOW })
  return key
}

async function readKeyFile(path: string, paths: readonly string[]): Promise<string> {
  if (path !== STDIN) {
    return readFile(path, 'utf8').catch((cause: Error) => {
      throw new UsageError(`cannot read --api-key-file ${path}: ${cause.message}`, { hint: HOW, cause })
    })
  }
  if (paths.includes(STDIN)) {
    throw new UsageError('standard input cannot be both the key and the records', { hint: HOW })
  }
  return text(process.stdin)
}
