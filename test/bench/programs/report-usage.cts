/**
 * Loaded before a measured program: at its end it says on descriptor 3 what all threads of the process used, in CPU seconds and megabytes.
 * CommonJS, since for a module Node.js starts a loader that `node -e 0` does without.
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
