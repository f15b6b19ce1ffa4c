import assert from 'node:assert/strict'
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, test } from 'node:test'
import { fileURLToPath } from 'node:url'

const ROOT = fileURLToPath(new URL('../../', import.meta.url))

/** Texts that the project was built from and that are not in it. */
const ABSENT = new RegExp(`\\b(?:${['DESIGN', 'AMPLITUDE', 'BRAZE', 'STYLE'].join('|')})(?:\\.md| §)`)

function filesIn(folder: string, pattern: RegExp): readonly string[] {
  return readdirSync(join(ROOT, folder), { recursive: true, encoding: 'utf8' })
    .filter((name) => pattern.test(name))
    .map((name) => join(folder, name))
    .toSorted()
}

/** Without the borders of comment lines: a citation may stand on two of them. */
function textOf(file: string): string {
  return readFileSync(join(ROOT, file), 'utf8').replace(/\n\s*(?:\*(?!\/)|\/\/)?\s*/g, ' ')
}

const READMES = ['README.md', ...filesIn('src', /(^|\/)README\.md$/)]
const CODE = [...filesIn('src', /\.ts$/), ...filesIn('test', /\.ts$/), ...filesIn('bin', /./)]

/** Numbers of the headings `## 1. Title`. */
const SECTIONS = new Map(
  READMES.map((file) => [
    file,
    Array.from(readFileSync(join(ROOT, file), 'utf8').matchAll(/^## (\d+)\. \S/gm), ([, number]) => Number(number)),
  ]),
)

interface Citation {
  /** The page as it is cited: `state/README.md`, `src/README.md`; null when it is the one that the text is about. */
  readonly page: string | null
  readonly section: number
}

const CITED = /(?:[\w-]+\/)*README\.md`? §\d+(?:(?:, | and | to )§\d+)*|(?<!RFC \d+ )§\d+/g

function citationsIn(text: string): readonly Citation[] {
  return Array.from(text.matchAll(CITED)).flatMap(([cited]) => {
    const page = /^[^`\s]*README\.md/.exec(cited)?.[0] ?? null
    return Array.from(cited.matchAll(/§(\d+)/g), ([, section]) => ({ page, section: Number(section) }))
  })
}

/** A room is named without `src/`. */
function fileOf(page: string): string {
  return page === 'README.md' || page.startsWith('src/') ? page : `src/${page}`
}

/** What a section without a page belongs to: the page itself, else the one that the file names first. */
function pageOf(file: string, text: string): string | null {
  return SECTIONS.has(file) ? file : (/(?:[\w-]+\/)*README\.md/.exec(text)?.[0] ?? null)
}

describe('sections that are cited', () => {
  for (const file of [...READMES, ...CODE]) {
    const text = textOf(file)
    const citations = citationsIn(text)
    if (citations.length === 0) continue
    test(`in ${file} are there`, () => {
      for (const { page, section } of citations) {
        const cited = page ?? pageOf(file, text)
        assert.ok(cited !== null, `§${section} of nothing`)
        assert.ok(SECTIONS.get(fileOf(cited))?.includes(section), `${cited} §${section}`)
      }
    })
  }

  test('are many, and numbered from 1 without a gap', () => {
    const fromCode = CODE.flatMap((file) => citationsIn(textOf(file)))
    assert.ok(fromCode.length > 100, String(fromCode.length))
    for (const [file, numbers] of SECTIONS) {
      const expected = Array.from({ length: numbers.length }, (_, i) => i + 1)
      assert.deepEqual(numbers, expected, file)
      assert.ok(file === 'README.md' || numbers.length > 0, file)
    }
  })
})

test('no text names one that is not in the project', () => {
  const named = [...READMES, ...CODE].filter((file) => ABSENT.test(textOf(file)))
  assert.deepEqual(named, [])
})

test('src/README.md has every folder of src', () => {
  const page = readFileSync(join(ROOT, 'src/README.md'), 'utf8')
  const shown = Array.from(page.matchAll(/^\| `src\/(\w+)` \|/gm), ([, name]) => name)
  const folders = readdirSync(join(ROOT, 'src'), { withFileTypes: true }).filter((entry) => entry.isDirectory())
  assert.deepEqual(
    shown.filter((name, i) => shown.indexOf(name) === i).toSorted(),
    folders.map(({ name }) => name).toSorted(),
  )
})

test('every file and folder that a README names is there', () => {
  const missing = READMES.flatMap((readme) =>
    Array.from(readFileSync(join(ROOT, readme), 'utf8').matchAll(/`((?:src|test|bin|fixtures)\/[^`\s]*)`/g))
      .map(([, path]) => path ?? '')
      .filter((path) => !existsSync(join(ROOT, path)))
      .map((path) => `${readme}: ${path}`),
  )
  assert.deepEqual(missing, [])
})
