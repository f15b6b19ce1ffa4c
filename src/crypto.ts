let loaded: typeof import('node:crypto') | null = null

/** Node's `crypto`, loaded when it is asked for: most runs hash nothing, and loading it takes as long as mapping hundreds of records. */
export function crypto(): typeof import('node:crypto') {
  loaded ??= process.getBuiltinModule('node:crypto')
  return loaded
}
