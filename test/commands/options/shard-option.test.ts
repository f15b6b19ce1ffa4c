import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { parseShard } from '../../../src/commands/options/shard-option.ts'
import { shardName } from '../../../src/shard.ts'

describe('--shard', () => {
  for (const [text, environment, expected] of [
    ['1/1', {}, '1/1'],
    ['2/4', {}, '2/4'],
    ['4/4', { JOB_COMPLETION_INDEX: '0', JOB_COMPLETIONS: '9' }, '4/4'],
    ['auto', { JOB_COMPLETION_INDEX: '0', JOB_COMPLETIONS: '4' }, '1/4'],
    ['auto', { JOB_COMPLETION_INDEX: '3', JOB_COMPLETIONS: '4' }, '4/4'],
    ['auto', { AWS_BATCH_JOB_ARRAY_INDEX: '11', AWS_BATCH_JOB_ARRAY_SIZE: '12' }, '12/12'],
    [
      'auto',
      {
        JOB_COMPLETION_INDEX: '1',
        JOB_COMPLETIONS: '3',
        AWS_BATCH_JOB_ARRAY_INDEX: '1',
        AWS_BATCH_JOB_ARRAY_SIZE: '3',
      },
      '2/3',
    ],
  ] as const) {
    test(`${text} ${JSON.stringify(environment)} is ${expected}`, () => {
      assert.equal(shardName(parseShard(text, environment)), expected)
    })
  }

  for (const [text, environment, message] of [
    ...['0/4', '5/4', '1/0', '0/0', 'a/b', '1', '1/', '/4', '-1/4', '1/4/2', '1.5/4', ' 1/4', '', 'Auto'].map(
      (text) => [text, {}, /Give I\/N/] as const,
    ),
    ['1/99999999999999999999', {}, /Give I\/N/],
    ['auto', {}, /Neither JOB_COMPLETION_INDEX nor AWS_BATCH_JOB_ARRAY_INDEX is set/],
    ['auto', { JOB_COMPLETIONS: '4' }, /Neither/],
    ['auto', { JOB_COMPLETION_INDEX: '1' }, /JOB_COMPLETIONS is not: set it/],
    ['auto', { AWS_BATCH_JOB_ARRAY_INDEX: '1' }, /AWS_BATCH_JOB_ARRAY_SIZE is not/],
    ['auto', { JOB_COMPLETION_INDEX: '4', JOB_COMPLETIONS: '4' }, /JOB_COMPLETION_INDEX=4 is no place from 0 to below/],
    ['auto', { JOB_COMPLETION_INDEX: '0', JOB_COMPLETIONS: '0' }, /no place/],
    ['auto', { JOB_COMPLETION_INDEX: 'x', JOB_COMPLETIONS: '4' }, /no place/],
    ['auto', { JOB_COMPLETION_INDEX: '', JOB_COMPLETIONS: '4' }, /no place/],
    ['auto', { JOB_COMPLETION_INDEX: '0', JOB_COMPLETIONS: '$(N)' }, /no place/],
    [
      'auto',
      {
        JOB_COMPLETION_INDEX: '0',
        JOB_COMPLETIONS: '4',
        AWS_BATCH_JOB_ARRAY_INDEX: '1',
        AWS_BATCH_JOB_ARRAY_SIZE: '4',
      },
      /differ \(1\/4 and 2\/4\)/,
    ],
  ] as const) {
    test(`${JSON.stringify(text)} ${JSON.stringify(environment)} is refused`, () => {
      assert.throws(() => parseShard(text, environment), { code: 'commander.invalidArgument', message })
    })
  }
})
