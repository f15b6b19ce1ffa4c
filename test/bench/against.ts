import { execFile } from 'node:child_process'
import { readFileSync, symlinkSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'

const ROOT = fileURLToPath(new URL('../../../', import.meta.url))

/**
 * Builds another commit in `directory`, which must not exist. It is a clone that borrows this repository's objects, so that nothing is left of
 * it once the directory is gone, however that comes.
 *
 * @returns the path of its program
 * @throws when there is no such commit, or it cannot be built
 */
export async function buildCommit(ref: string, directory: string, stop: AbortSignal): Promise<string> {
  const run = async (cwd: string, program: string, ...words: readonly string[]) => {
    const { stdout } = await promisify(execFile)(program, words, { cwd, signal: stop, killSignal: 'SIGKILL' })
    return stdout.trim()
  }
  const commit = await run(ROOT, 'git', 'rev-parse', '--verify', '--end-of-options', `${ref}^{commit}`)
  await run(ROOT, 'git', 'clone', '--quiet', '--shared', '--no-checkout', ROOT, directory)
  await run(directory, 'git', 'checkout', '--quiet', '--detach', commit)
  const lock = (root: string) => readFileSync(join(root, 'package-lock.json'), 'utf8')
  if (lock(directory) === lock(ROOT)) symlinkSync(join(ROOT, 'node_modules'), join(directory, 'node_modules'))
  else await run(directory, 'npm', 'ci', '--ignore-scripts')
  await run(directory, 'npm', 'run', 'build')
  return join(directory, 'bin', 'braze2amp.js')
}
