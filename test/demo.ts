import { spawnSync } from 'node:child_process'
import { fileURLToPath } from 'node:url'

/** The main job on the fixtures: what a new user sees first. */
const root = fileURLToPath(new URL('../../', import.meta.url))
process.stderr.write('$ braze2amp replay fixtures/exports --dry-run\n')
const { status } = spawnSync(process.execPath, ['bin/braze2amp.js', 'replay', 'fixtures/exports', '--dry-run'], {
  cwd: root,
  stdio: 'inherit',
})
process.stderr.write(
  status === 3
    ? '\nExit code 3: done, but some records of the fixtures are broken on purpose (shown above).\n'
    : `\nExit code ${status}\n`,
)
process.exitCode = status === 3 ? 0 : 1
