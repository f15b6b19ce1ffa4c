import {
  type Document,
  isAlias,
  isMap,
  isNode,
  isScalar,
  isSeq,
  LineCounter,
  type Node,
  type ParsedNode,
  parseDocument,
  type YAMLParseError,
  type YAMLWarning,
} from 'yaml'
import type { RuleOrigin } from './rule-types.ts'

/** A mapping file's text as a tree whose nodes know where they stand. JSON is YAML, so one reader does for both. */
export interface MappingDocument {
  readonly file: string
  readonly root: ParsedNode | null
  /** What the syntax has against it. */
  readonly problems: readonly { readonly message: string; readonly at: number }[]
  /** The whole as plain values; throws when an alias runs wild. */
  plain(): unknown
  origin(at: number, path: string): RuleOrigin
  /** Members of the mapping `node`; none when it is something else. */
  members(node: Node | null): readonly Member[]
  /** Texts of the list `node`; anything in it that is no text is left out. */
  texts(node: Node | null): readonly { readonly text: string; readonly at: number }[]
  /** The text at `node`; null when it is none. */
  text(node: Node | null): string | null
  /** The value at `node` as plain data. */
  value(node: Node | null): unknown
  /** Where the value at `path` starts, or the nearest thing around it that is there. */
  find(path: readonly PropertyKey[]): number
  /** Where the key of `path`'s last part starts. */
  findKey(path: readonly PropertyKey[]): number
}

export interface Member {
  readonly key: string
  readonly keyAt: number
  readonly value: Node | null
  readonly at: number
}

/**
 * Parses a mapping file as YAML 1.2 in its core schema: mappings, lists, texts, numbers, booleans. Whatever would make another kind of
 * value of a node (a tag such as `!!omap` or `!!set`, a merge key, an older YAML) is a problem: the rules in it would be passed over.
 */
export function parseMapping(file: string, source: string): MappingDocument {
  const lines = new LineCounter()
  const document: Document.Parsed = parseDocument(source, {
    lineCounter: lines,
    prettyErrors: false,
    // The parser prints nothing: findings say it.
    logLevel: 'error',
    schema: 'core',
    merge: false,
    resolveKnownTags: false,
    stringKeys: true,
  })

  /** What an alias stands for. */
  function resolved(node: unknown): Node | null {
    if (isAlias(node)) return node.resolve(document) ?? null
    return isNode(node) ? node : null
  }

  function members(node: Node | null): readonly Member[] {
    const map = resolved(node)
    if (!isMap(map)) return []
    return map.items.map(({ key, value }) => {
      const keyAt = startOf(key) ?? 0
      return {
        key: String(isScalar(key) ? key.value : key),
        keyAt,
        value: resolved(value),
        at: startOf(value) ?? keyAt,
      }
    })
  }

  function text(node: Node | null): string | null {
    const scalar = resolved(node)
    return isScalar(scalar) && typeof scalar.value === 'string' ? scalar.value : null
  }

  function locate(path: readonly PropertyKey[]): { readonly at: number; readonly keyAt: number } {
    let node = resolved(document.contents)
    let at = startOf(node) ?? 0
    let keyAt = at
    for (const part of path) {
      const member = members(node).find(({ key }) => key === String(part))
      const item: unknown = isSeq(node) ? node.items[Number(part)] : undefined
      if (member) {
        at = member.at
        keyAt = member.keyAt
        node = member.value
      } else if (isNode(item)) {
        at = startOf(item) ?? at
        keyAt = at
        node = resolved(item)
      } else break
    }
    return { at, keyAt }
  }

  return {
    file,
    root: document.contents,
    problems: [
      ...firstOfEach(document.errors).map((error) => ({ message: messageOf(error), at: error.pos[0] })),
      ...document.warnings.map((warning) => ({ message: messageOf(warning), at: warning.pos[0] })),
      ...(isOfOtherVersion(document) ? [{ message: OTHER_VERSION, at: 0 }] : []),
    ],
    plain: () => document.toJS(),
    origin(at, path) {
      const { line, col } = lines.linePos(at)
      return { file, line: Math.max(line, 1), column: Math.max(col, 1), path }
    },
    members,
    texts(node) {
      const list = resolved(node)
      if (!isSeq(list)) return []
      return list.items.flatMap((item) => {
        const content = text(isNode(item) ? item : null)
        return content === null ? [] : [{ text: content, at: startOf(item) ?? 0 }]
      })
    },
    text,
    value: (node) => resolved(node)?.toJS(document),
    find: (path) => locate(path).at,
    findKey: (path) => locate(path).keyAt,
  }
}

/** Once the parser has lost its way, every further token is one it did not expect: the first says it all. */
function firstOfEach(errors: readonly YAMLParseError[]): readonly YAMLParseError[] {
  const first = errors.find(({ code }) => code === 'UNEXPECTED_TOKEN')
  return errors.filter((error) => error.code !== 'UNEXPECTED_TOKEN' || error === first)
}

const OTHER_VERSION = 'mapping files are YAML 1.2; take the line %YAML away'

/** An older YAML reads some words otherwise: `no` would be false. */
function isOfOtherVersion({ directives: { yaml } }: Document.Parsed): boolean {
  return yaml.explicit === true && yaml.version !== '1.2'
}

/** What is wrong and, where the parser's own words do not say it, what to do. */
function messageOf({ code, message }: YAMLParseError | YAMLWarning): string {
  switch (code) {
    case 'TAG_RESOLVE_FAILED':
      return `the tag ${message.replace(/^.*: /, '').replace('tag:yaml.org,2002:', '!!')} is not known here; write it without a tag`
    case 'MULTIPLE_DOCS':
      return 'there are several documents (---) in the file; one is all that a mapping file has'
    case 'NON_STRING_KEY':
      return 'a key must be a text, no list, mapping or alias'
    default:
      return `not valid YAML: ${message}`
  }
}

function startOf(node: unknown): number | undefined {
  return isNode(node) ? node.range?.[0] : undefined
}
