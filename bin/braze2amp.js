#!/usr/bin/env node
'use strict'
// No ES module (`package.json` beside it): Node would first make ready what loads those, and a small run is short.
const { existsSync } = require('node:fs')
const { join } = require('node:path')
const { setFlagsFromString } = require('node:v8')

// Old objects are collected when the heap has grown by a quarter: left to itself, V8 lets it grow to several times what is in use.
setFlagsFromString('--heap-growing-percent=25')

const built = join(__dirname, '../dist/bundle/main.cjs')
if (existsSync(built)) {
  // Node ends the process when there is nothing left to wait for, also when what it waited for never came.
  const fail = () => {
    process.exitCode = 1
  }
  process.once('beforeExit', fail)
  require(built)
    .main(process.argv)
    .then((exitCode) => {
      process.off('beforeExit', fail)
      process.exitCode = exitCode
    })
} else {
  process.stderr.write(
    'error: braze2amp is not built\nRun `npm ci` in its folder, with the development packages (no --omit=dev).\n',
  )
  process.exitCode = 2
}
