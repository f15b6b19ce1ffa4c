import assert from 'node:assert/strict'
import { test } from 'node:test'
import { LONGEST_ANSWER_TEXT } from '../../src/amplitude/limits.ts'
import { masked, serverText } from '../../src/upload/server-text.ts'

const HEX_KEY = '0a1b2c3d4e5f60718293a4b5c6d7e8f9'
const ODD_KEY = 'c0ffee+"key"/1&<é>'

/** How a key can come back. */
function escapedSpellings(key: string): readonly string[] {
  const each = (spell: (code: number) => string) =>
    Array.from(key, (character) => spell(character.codePointAt(0) ?? 0)).join('')
  const hex = (code: number, digits: number) => code.toString(16).padStart(digits, '0')
  return [
    key,
    key.toUpperCase(),
    encodeURIComponent(key),
    encodeURIComponent(key).toLowerCase(),
    JSON.stringify(key),
    each((code) => `\\u${hex(code, 4)}`),
    each((code) => `&#${code};`),
    each((code) => `&#x${hex(code, 1)};`),
    key.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;').replaceAll('"', '&quot;'),
    Array.from(key).join('\n'),
    Array.from(key).join('\u200b'),
    Array.from(key).join('\u0007'),
    Buffer.from(key).toString('hex'),
    Buffer.from(key).toString('hex').toUpperCase(),
    Buffer.from(key, 'utf8').toString('latin1'),
  ]
}

/** As the user of a Basic authorization, at each of the three places where it can begin. */
function base64Spellings(key: string): readonly string[] {
  const texts = ['', 'x', 'xy'].map((before) => Buffer.from(`${before}${key}:secret`).toString('base64'))
  return [...texts, ...texts.map((text) => text.replaceAll('+', '-').replaceAll('/', '_'))]
}

/** Stretches of the spelling, of 8 characters of the key or more, that are in the text. */
function leaks(text: string, spelling: string, key: string): readonly string[] {
  const length = Math.ceil((8 * spelling.length) / key.length)
  const [where, what] = [text, spelling].map((each) => each.toLowerCase()) as [string, string]
  const pieces = Array.from({ length: what.length - length + 1 }, (_, at) => what.slice(at, at + length))
  return pieces.filter((piece) => where.includes(piece))
}

for (const key of [HEX_KEY, ODD_KEY]) {
  test(`${key} is masked in every spelling, and what stands around it stays`, () => {
    for (const spelling of escapedSpellings(key)) {
      const quoted = spelling.startsWith('"') ? spelling : `"${spelling}"`
      assert.equal(masked(`a ${quoted} b ${quoted}`, key), 'a "[key]" b "[key]"')
    }
    // The characters at both ends spell the neighbours too.
    for (const spelling of base64Spellings(key)) {
      assert.match(masked(`Basic ${spelling}`, key), /^Basic .{0,3}\[key\].{9,12}$/)
    }
  })

  test(`${key} is masked too with escapes between its characters, or in hex with escapes`, () => {
    const hex = Buffer.from(key).toString('hex')
    for (const spelling of [
      Array.from(key).join('\\u200b'),
      Array.from(key).join('&#8203;'),
      Array.from(key).join('%00'),
      Array.from(key).join('\u00ad\u0000 '),
      hex.replace(/..(?=.)/g, '$& '),
      hex.replace(/../g, '\\x$&'),
    ]) {
      assert.equal(masked(`a <${spelling}> b`, key), 'a <[key]> b')
    }
  })

  test(`no piece of ${key} is left at any cut of a text`, () => {
    for (const spelling of [...escapedSpellings(key), ...base64Spellings(key)]) {
      for (const limit of [200, 400, 800, 2000, 4096]) {
        for (let before = limit - spelling.length - 1; before <= limit + 1; before += 5) {
          for (const filler of ['x'.repeat(before), ' '.repeat(before)]) {
            const text = serverText(`${filler}${spelling} and ${spelling}`, key, Math.min(limit, 2000))
            assert.deepEqual(leaks(text, spelling, key), [])
          }
        }
      }
    }
  })
}

test('a part of the key is masked as the whole is', () => {
  for (let from = 0; from + 8 <= HEX_KEY.length; from += 3) {
    for (const part of [HEX_KEY.slice(from), HEX_KEY.slice(0, from + 8), HEX_KEY.slice(from, from + 8)]) {
      assert.equal(masked(`<${part}>`, HEX_KEY), '<[key]>')
    }
  }
})

test('what is no part of the key stays as it is', () => {
  for (const text of ['', 'Amplitude', '0a1b2c3', 'f9e8d7c6b5a4', '%zz \\u12 &#; &nope; 100 % \\', 'é😀']) {
    assert.equal(masked(text, HEX_KEY), text)
  }
})

test('a text is one line without what a terminal obeys, and no longer than asked for', () => {
  assert.equal(
    serverText('  a\r\n\tb\u2028c \u001b[31mred\u0007 \u0085 \u009b2J \u202eabc\u200b \u007f ', HEX_KEY, 400),
    'a b c \\u{1b}[31mred\\u{7} \\u{85} \\u{9b}2J \\u{202e}abc\\u{200b} \\u{7f}',
  )
  assert.equal(serverText('error: x\nerror: y', HEX_KEY, 400), 'error: x error: y')
  assert.equal(serverText('x'.repeat(5 << 20), HEX_KEY, 400).length, 400)
  assert.equal(serverText('😀😀', HEX_KEY, 3), '😀')
  assert.equal(serverText('\ud83d', HEX_KEY, 3), '\\u{')
})

test('where a long text is cut, no start of the key is left, however much white space goes', () => {
  for (let shown = 1; shown < 40; shown++) {
    const text = `x${' '.repeat(LONGEST_ANSWER_TEXT - 1 - shown)}${HEX_KEY}${'y'.repeat(100)}`
    assert.ok(
      ['x', 'x [key]'].includes(serverText(text, HEX_KEY, 400).replace(/\[key\].*/, '[key]')),
      `${shown} characters`,
    )
  }
})
