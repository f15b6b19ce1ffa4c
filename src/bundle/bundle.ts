import { copyFileSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { basename, join, relative } from 'node:path'
import { fileURLToPath } from 'node:url'
import { build, type OutputOptions } from 'rolldown'

/**
 * Puts what tsc has compiled, with the libraries that it needs, into a few files: to load two hundred modules takes longer than a small
 * run. Each command and each format is in a file of its own, which is loaded when it is asked for.
 *
 * `dist/bundle` is what is published, with the licences of the libraries; `dist/bundle.json` says which modules are in which file.
 */

const ROOT = fileURLToPath(new URL('../../../', import.meta.url))
const MODULES = join(ROOT, 'dist/src')
const BUNDLE = join(ROOT, 'dist/bundle')

const FORM: OutputOptions = {
  // What is not ES modules would not be strict otherwise.
  strict: true,
  minify: { compress: true, mangle: { keepNames: true }, codegen: true },
  comments: { legal: true, annotation: false, jsdoc: false },
  // Text of one byte a character is compiled sooner.
  charset: 'ascii',
}

const program = await build({
  input: join(MODULES, 'main.js'),
  platform: 'node',
  output: {
    dir: BUNDLE,
    // Node is ready to run it sooner than ES modules.
    format: 'cjs',
    entryFileNames: '[name].cjs',
    chunkFileNames: '[name].cjs',
    codeSplitting: {
      groups: [
        { name: 'program', test: /[\\/]src[\\/]main\.js$/, priority: 2 },
        { name: 'dry-run', test: /[\\/]commands[\\/]replay(-dry-run)?\.js$/, priority: 1 },
      ],
    },
    ...FORM,
  },
})

// A thread begins with a file of its own, which is called as its module is (`src/upload/http-thread.ts`).
const thread = await build({
  input: join(MODULES, 'upload/http-worker.js'),
  platform: 'node',
  output: { file: join(BUNDLE, 'http-worker.js'), format: 'esm', ...FORM },
})

// A module finds it beside itself.
for (const file of readdirSync(MODULES, { recursive: true, encoding: 'utf8' })) {
  if (file.endsWith('.wasm')) copyFileSync(join(MODULES, file), join(BUNDLE, basename(file)))
}

const modulesOf = new Map(
  [...program.output, ...thread.output].flatMap((file) =>
    file.type === 'chunk' ? [[file.fileName, file.moduleIds.map((module) => relative(ROOT, module))]] : [],
  ),
)
writeFileSync(join(ROOT, 'dist/bundle.json'), `${JSON.stringify(Object.fromEntries(modulesOf), null, 2)}\n`)

const libraries = new Set(
  [...modulesOf.values()].flat().flatMap((module) => /^node_modules\/(?:@[^/]+\/)?[^/]+/.exec(module) ?? []),
)
writeFileSync(join(BUNDLE, 'LICENSES.txt'), [...libraries].sort().map(licenceOf).join('\n'))

/** @throws Error when a library has no licence to hand on */
function licenceOf(library: string): string {
  const folder = join(ROOT, library)
  const file = readdirSync(folder).find((name) => /^licen[cs]e/i.test(name))
  if (file === undefined) throw new Error(`${library} has no licence`)
  return `${'='.repeat(80)}\n${library.replace('node_modules/', '')}\n\n${readFileSync(join(folder, file), 'utf8')}`
}
