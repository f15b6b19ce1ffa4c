import assert from 'node:assert/strict'
import { type ChildProcess, spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { chmodSync, existsSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { systemProcesses } from '../../src/state/processes.ts'
import { temporaryDirectory } from '../harness.ts'

const withoutProc = existsSync('/proc/self/stat') ? false : 'there is no /proc'

async function ended(child: ChildProcess): Promise<void> {
  const end = once(child, 'exit')
  child.kill('SIGKILL')
  await end
}

test('this process is there, as it says of itself, and one that has ended is not', () => {
  const self = systemProcesses.self()
  assert.equal(self.pid, process.pid)
  assert.equal(systemProcesses.at(self.pid)?.processStart, self.processStart)
  assert.equal(systemProcesses.at(spawnSync(process.execPath, ['-e', '']).pid), null)
})

test('a process of another user is there', { skip: process.getuid?.() === 0 && 'root may signal everybody' }, () => {
  assert.notEqual(systemProcesses.at(1), null)
})

test('on Linux the system says everything of a process', { skip: withoutProc }, () => {
  const { processStart, boot, pidNamespace } = systemProcesses.self()
  assert.match(boot ?? '', /^[0-9a-f]{8}-[0-9a-f-]{27}$/)
  assert.match(pidNamespace ?? '', /^pid:\[\d+\]$/)
  assert.ok(processStart !== null && processStart > 0)
})

test('a program may have spaces and parentheses in its name', { skip: withoutProc }, async () => {
  const program = join(temporaryDirectory(), 'a) Z (b 1 2')
  writeFileSync(program, '#!/bin/sh\necho begun\nread end\n')
  chmodSync(program, 0o700)
  const child = spawn(program, { stdio: ['pipe', 'pipe', 'ignore'] })
  await once(child.stdout, 'data')
  const self = systemProcesses.self().processStart ?? 0
  const start = systemProcesses.at(child.pid ?? 0)?.processStart ?? 0
  // 100 ticks a second, on every Linux that Node runs on.
  const upForTicks = Number(readFileSync('/proc/uptime', 'latin1').split(' ')[0]) * 100
  assert.ok(self <= start && start <= upForTicks + 1, `${self} ${start} ${upForTicks}`)
  await ended(child)
  assert.equal(systemProcesses.at(child.pid ?? 0), null)
})

test('a process that has ended, and whose parent does not ask how, is not there', { skip: withoutProc }, async () => {
  // The shell becomes a program that never asks for the children it has.
  const parent = spawn('sh', ['-c', 'sleep 0 & echo $!; exec sleep 600'], { stdio: ['ignore', 'pipe', 'ignore'] })
  const [line] = await once(parent.stdout, 'data')
  const pid = Number(line)
  const stateOf = () => / ([A-Z]) /.exec(readFileSync(`/proc/${pid}/stat`, 'latin1'))?.[1]
  while (stateOf() !== 'Z') await new Promise((resolve) => setTimeout(resolve, 5))
  assert.equal(systemProcesses.at(pid), null)
  await ended(parent)
})

const SEES_OUTER_PROC = ['--pid', '--fork', '--kill-child']
const cannotUnshare = spawnSync('unshare', [...SEES_OUTER_PROC, 'true']).status !== 0

test('in a namespace that sees the pids of another one in /proc, nothing is made of them', {
  skip: withoutProc || (cannotUnshare && 'unshare needs root'),
}, () => {
  const module = new URL('../../src/state/processes.js', import.meta.url).href
  const script = `import(${JSON.stringify(module)}).then(({ systemProcesses: { self, at } }) =>
      console.log(JSON.stringify({ pid: self().pid, itself: at(process.pid), none: at(4_000_000) })))`
  const { stdout } = spawnSync('unshare', [...SEES_OUTER_PROC, process.execPath, '-e', script], { encoding: 'utf8' })
  assert.deepEqual(JSON.parse(stdout), { pid: 1, itself: { processStart: null }, none: null })
})
