#!/usr/bin/env node
import { existsSync } from 'node:fs'
import { setFlagsFromString } from 'node:v8'

// Old objects are collected when the heap has grown by a quarter: left to itself, V8 lets it grow to several times what is in use.
setFlagsFromString('--heap-growing-percent=25')

const built = new URL('../dist/src/main.js', import.meta.url)
if (existsSync(built)) {
  const { main } = await import(built.href)
  process.exitCode = await main(process.argv)
} else {
  process.stderr.write(
    'error: braze2amp is not built\nRun `npm ci` in its folder, with the development packages (no --omit=dev).\n',
  )
  process.exitCode = 2
}
