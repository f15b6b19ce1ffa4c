/**
 * Loaded before a measured program: at its end it says on descriptor 3 what all threads of the process used, in CPU seconds and megabytes.
 * CommonJS, since a module would load Node's module loader, which is a third of the time of `node -e 0`.
 */
{
  const { writeSync } = process.getBuiltinModule('node:fs')
  const { isMainThread } = process.getBuiltinModule('node:worker_threads')
  if (isMainThread) {
    process.on('exit', () => {
      const { userCPUTime, systemCPUTime, maxRSS } = process.resourceUsage()
      writeSync(3, JSON.stringify({ cpuSeconds: (userCPUTime + systemCPUTime) / 1e6, peakMegabytes: maxRSS / 1024 }))
    })
  }
}
