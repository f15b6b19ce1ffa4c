import { KILL_FORMATS, killAgainAndAgain } from './kill-loop.ts'
import { killRetries } from './kill-retries.ts'

/** 50 kills of each format, 50 while lane files are written and read back, and 100 of retries: `npm run kill`. */

const kills = Number(process.argv[2] ?? 50)
const seed = Number(process.argv[3] ?? Date.now() % 1_000_000)
for (const hot of [false, true]) {
  for (const format of KILL_FORMATS) {
    if (hot && format !== 'ndjson') continue
    const options = { format, kills, seed, hot }
    const killed = await killAgainAndAgain(options)
    process.stdout.write(`${JSON.stringify({ ...options, ...killed })}\n`)
  }
}
const retries = await killRetries({ kills: 2 * kills, seed })
process.stdout.write(`${JSON.stringify({ of: 'retry --reason', seed, ...retries })}\n`)
