import { spawn } from 'node:child_process'
import { readFileSync, symlinkSync } from 'node:fs'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { fileURLToPath } from 'node:url'
import { ended } from './measure.ts'

const ROOT = fileURLToPath(new URL('../../../', import.meta.url))

/**
 * Builds another commit in `directory`, which must not exist. It is a clone that borrows this repository's objects, so that nothing is left of
 * it once the directory is gone, however that comes.
 *
 * @returns the path of its program
 * @throws when there is no such commit, or it cannot be built
 */
export async function buildCommit(ref: string, directory: string, stop: AbortSignal): Promise<string> {
  const run = (cwd: string, ...command: readonly string[]) => outputOf(command, cwd, stop)
  const commit = await run(ROOT, 'git', 'rev-parse', '--verify', '--end-of-options', `${ref}^{commit}`)
  await run(ROOT, 'git', 'clone', '--quiet', '--shared', '--no-checkout', ROOT, directory)
  await run(directory, 'git', 'checkout', '--quiet', '--detach', commit)
  const lock = (root: string) => readFileSync(join(root, 'package-lock.json'), 'utf8')
  if (lock(directory) === lock(ROOT)) symlinkSync(join(ROOT, 'node_modules'), join(directory, 'node_modules'))
  else await run(directory, 'npm', 'ci', '--ignore-scripts')
  await run(directory, 'npm', 'run', 'build')
  return join(directory, 'bin', 'braze2amp.js')
}

/** What a command writes. It has a process group of its own, so that with it all that it has started can be stopped. */
async function outputOf(command: readonly string[], cwd: string, stop: AbortSignal): Promise<string> {
  stop.throwIfAborted()
  const [program = '', ...words] = command
  const child = spawn(program, words, { cwd, detached: true, stdio: ['ignore', 'pipe', 'pipe'] })
  const kill = () => child.pid === undefined || process.kill(-child.pid, 'SIGKILL')
  stop.addEventListener('abort', kill)
  const [code, output, errors] = await Promise.all([ended(child), text(child.stdout), text(child.stderr)])
  stop.removeEventListener('abort', kill)
  if (code !== 0) throw new Error(`${command.join(' ')} failed\n${output}${errors}`)
  return output.trim()
}
