import { InvalidArgumentError } from 'commander'
import { type Shard, shardName } from '../../shard.ts'

/** Variables in which a scheduler tells a worker its place, from 0, among how many. */
const SCHEDULERS = [
  // Kubernetes sets the first in every pod of an Indexed Job; the manifest sets the second (src/README.md §6).
  { index: 'JOB_COMPLETION_INDEX', count: 'JOB_COMPLETIONS' },
  // AWS Batch sets both in every child of an array job.
  { index: 'AWS_BATCH_JOB_ARRAY_INDEX', count: 'AWS_BATCH_JOB_ARRAY_SIZE' },
] as const

/**
 * The value of `--shard`: `I/N`, counted from 1, or `auto` for what the scheduler's variables say.
 * @throws InvalidArgumentError when it names no shard
 */
export function parseShard(text: string, environment: NodeJS.ProcessEnv): Shard {
  if (text === 'auto') return shardOfEnvironment(environment)
  const match = /^(\d+)\/(\d+)$/.exec(text)
  const number = Number(match?.[1])
  const count = Number(match?.[2])
  if (number >= 1 && number <= count && Number.isSafeInteger(count)) return { number, count }
  throw new InvalidArgumentError('Give I/N with I from 1 to N, such as 2/4 for the second of four workers, or auto.')
}

function shardOfEnvironment(environment: NodeJS.ProcessEnv): Shard {
  const shards = SCHEDULERS.filter(({ index }) => environment[index] !== undefined).map((variables) =>
    shardOfVariables(variables, environment),
  )
  const [first] = shards
  if (first === undefined) {
    throw new InvalidArgumentError(
      `Neither ${SCHEDULERS.map(({ index }) => index).join(' nor ')} is set. In a Kubernetes Indexed Job or an AWS Batch ` +
        'array one of them is; elsewhere give I/N.',
    )
  }
  if (shards.some((shard) => shardName(shard) !== shardName(first))) {
    const found = shards.map(shardName).join(' and ')
    throw new InvalidArgumentError(`The variables of Kubernetes and AWS Batch differ (${found}); give I/N.`)
  }
  return first
}

function shardOfVariables({ index, count }: (typeof SCHEDULERS)[number], environment: NodeJS.ProcessEnv): Shard {
  const size = environment[count]
  if (size === undefined) {
    throw new InvalidArgumentError(`${index} is set, but ${count} is not: set it to the number of workers.`)
  }
  const place = environment[index] ?? ''
  const isPlace = /^\d+$/.test(place) && /^\d+$/.test(size) && Number(place) < Number(size)
  if (isPlace && Number.isSafeInteger(Number(size))) return { number: Number(place) + 1, count: Number(size) }
  throw new InvalidArgumentError(`${index}=${place} is no place from 0 to below ${count}=${size}.`)
}
