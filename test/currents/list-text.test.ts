import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import fc from 'fast-check'
import { listOfText } from '../../src/currents/list-text.ts'

describe('a list as databases write it', () => {
  for (const [text, expected] of [
    ['[a, b]', ['a', 'b']],
    ["['a', 'b']", ['a', 'b']],
    ["['a','b']", ['a', 'b']],
    ["[a, 'b, c']", ['a', 'b, c']],
    ["['it\\'s', \"it's\", it's]", ["it's", "it's", "it's"]],
    ['[a, NULL, b]', ['a', null, 'b']],
    ['[a, ]', ['a', '']],
    ["['NULL']", ['NULL']],
    ['[]', []],
    ['[ ]', []],
    ['{}', []],
    ['{a,b}', ['a', 'b']],
    [' {a, b } ', ['a', 'b']],
    ['{"a b",c}', ['a b', 'c']],
    ['{"a\\"b","c\\\\d","e,f","{g}"}', ['a"b', 'c\\d', 'e,f', '{g}']],
    ['{a,NULL,"NULL"}', ['a', null, 'NULL']],
    ['{http://a/b?c=d}', ['http://a/b?c=d']],
    ["['a\\nb']", ['a\\nb']],
  ] as const) {
    test(`${text} is ${JSON.stringify(expected)}`, () => assert.deepEqual(listOfText(text), expected))
  }

  for (const text of [
    '',
    'a',
    'a,b',
    '[',
    '{',
    '[a',
    'a]',
    '[a}',
    '{a]',
    '{,}',
    '{a,,b}',
    '{{a},{b}}',
    '[[a], [b]]',
    '["a]',
    "['a' b]",
    '["a" "b"]',
    '["a\\"]',
    '{"a":1}',
  ]) {
    test(`${JSON.stringify(text)} is none`, () => assert.equal(listOfText(text), null))
  }

  test('gives back what PostgreSQL and DuckDB were given', () => {
    const escaped = (item: string) => item.replaceAll('\\', '\\\\')
    const postgres = (items: readonly (string | null)[]) =>
      `{${items.map((item) => (item === null ? 'NULL' : `"${escaped(item).replaceAll('"', '\\"')}"`)).join(',')}}`
    const duck = (items: readonly (string | null)[]) =>
      `[${items.map((item) => (item === null ? 'NULL' : `'${escaped(item).replaceAll("'", "\\'")}'`)).join(', ')}]`
    fc.assert(
      fc.property(fc.array(fc.option(fc.string({ unit: 'grapheme' }))), (items) => {
        assert.deepEqual(listOfText(postgres(items)), items)
        assert.deepEqual(listOfText(duck(items)), items)
      }),
    )
  })

  test('of a megabyte of anything is read or refused at once', () => {
    const many = 1 << 20
    for (const text of ['[', '{"', '[a,', "['\\", '["",', '[ ', '{a']) {
      for (const closer of ['', ']', '}', '"]', "']"]) listOfText(text.repeat(many) + closer)
    }
  })
})
