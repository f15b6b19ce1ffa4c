import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { copyFileSync, existsSync, mkdirSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { describe, test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { temporaryDirectory } from '../harness.ts'

const ROOT = fileURLToPath(new URL('../../../', import.meta.url))

/** A clone without packages and without a build. */
function bareClone(): string {
  const root = temporaryDirectory()
  for (const path of ['package.json', 'bin/package.json', 'bin/braze2amp.js']) {
    mkdirSync(dirname(join(root, path)), { recursive: true })
    copyFileSync(join(ROOT, path), join(root, path))
  }
  return root
}

describe('a clone without a build', () => {
  test('says what to run', () => {
    const { status, stdout, stderr } = spawnSync(process.execPath, [join(bareClone(), 'bin', 'braze2amp.js')])
    assert.equal(status, 2)
    assert.equal(stdout.toString(), '')
    assert.match(stderr.toString(), /not built[\s\S]*npm ci/)
    assert.doesNotMatch(stderr.toString(), /\bat .*:\d+/)
  })

  test('is installed without the compiler, as npm ci --omit=dev does', () => {
    const root = bareClone()
    const { status, stderr } = spawnSync('npm', ['run', '--silent', 'prepare'], { cwd: root })
    assert.equal(status, 0, stderr.toString())
    assert.ok(!existsSync(join(root, 'dist')))
  })
})

test('a program that ends before it has said how has failed', () => {
  const root = bareClone()
  mkdirSync(join(root, 'dist/bundle'), { recursive: true })
  writeFileSync(join(root, 'dist/bundle/main.cjs'), 'exports.main = () => new Promise(() => {})')
  const { status } = spawnSync(process.execPath, [join(root, 'bin', 'braze2amp.js')])
  assert.equal(status, 1)
})
