#!/usr/bin/env node
import { setFlagsFromString } from 'node:v8'
import { main } from '../dist/src/main.js'

// Old objects are collected when the heap has grown by a quarter: left to itself, V8 lets it grow to several times what is in use.
setFlagsFromString('--heap-growing-percent=25')

process.exitCode = await main(process.argv)
