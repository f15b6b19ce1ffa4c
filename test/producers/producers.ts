import { spawn, spawnSync } from 'node:child_process'
import { closeSync, mkdirSync, openSync, readdirSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { ColumnKind, Table } from './tables.ts'

/** Programs that write exports, each in its own dialect. */
export interface Producer {
  readonly name: string
  /** Why it cannot run here; null when it can. */
  missing(): string | null
  /**
   * Writes the tables, a file for each and for each dialect, into folders below `directory`: `DIALECT/EVENT_TYPE.EXTENSION`.
   * @param input a folder with `EVENT_TYPE.json` (an array) and `EVENT_TYPE.ndjson` for each table
   */
  write(tables: readonly Table[], input: string, directory: string): Promise<void>
}

const SOURCES = fileURLToPath(new URL('../../../test/producers/', import.meta.url))
/** How a database says in SQL when each time was: as the seconds that it is given, or as its own timestamps. */
const TIMES = ['', '-timestamps'] as const

interface Command {
  readonly program: string
  readonly args: readonly string[]
  readonly input?: string
  /** Where its standard output goes. */
  readonly to?: string
  readonly env?: Readonly<Record<string, string>>
  readonly directory?: string
}

function run({ program, args, input, to, env = {}, directory }: Command): string {
  const output = to === undefined ? 'pipe' : openSync(to, 'w')
  const ended = spawnSync(program, args, {
    input: input ?? '',
    stdio: ['pipe', output, 'pipe'],
    encoding: 'utf8',
    env: { ...process.env, TZ: 'UTC', LC_ALL: 'C.UTF-8', ...env },
    ...(directory === undefined ? {} : { cwd: directory }),
    maxBuffer: 1 << 28,
  })
  if (typeof output === 'number') closeSync(output)
  if (ended.status !== 0) throw new Error(`${program} ${args.join(' ')}: ${ended.error?.message ?? ended.stderr}`)
  return ended.stdout ?? ''
}

function lacks(program: string, args: readonly string[] = ['--version']): string | null {
  const { error } = spawnSync(program, args, { stdio: 'ignore' })
  return error === undefined ? null : `no ${program}`
}

function outputOf(directory: string, dialect: string, table: Table, extension: string): string {
  const folder = join(directory, dialect)
  mkdirSync(folder, { recursive: true })
  return join(folder, `${table.type}.${extension}`)
}

function columnsOf(table: Table, words: Readonly<Record<ColumnKind, string>>, between = ' '): string {
  return Object.entries(table.columns)
    .map(([name, kind]) => `${name}${between}${words[kind]}`)
    .join(', ')
}

/** The columns of a query, `time` as a timestamp where that is asked for. */
function selection(table: Table, isTimestamp: boolean, timestamp: string): string {
  return Object.keys(table.columns)
    .map((name) => (name === 'time' && isTimestamp ? `${timestamp} AS time` : name))
    .join(', ')
}

const sqlite: Producer = {
  name: 'sqlite',
  missing: () => lacks('sqlite3'),
  async write(tables, input, directory) {
    for (const table of tables) {
      const words = { text: 'TEXT', seconds: 'INTEGER', real: 'REAL', boolean: 'BOOLEAN', texts: 'TEXT' }
      const values = Object.keys(table.columns)
        .map((name) => `json_extract(value, '$.${name}')`)
        .join(', ')
      const setup =
        `CREATE TABLE t (${columnsOf(table, words)});\n` +
        `INSERT INTO t SELECT ${values} FROM json_each(readfile('${join(input, `${table.type}.json`)}'));\n`
      for (const times of TIMES) {
        const query = `SELECT ${selection(table, times !== '', "datetime(time, 'unixepoch')")} FROM t;\n`
        for (const [mode, extension] of [
          ['csv', 'csv'],
          ['json', 'json'],
        ] as const) {
          const to = outputOf(directory, `${mode}${times}`, table, extension)
          run({ program: 'sqlite3', args: [':memory:'], input: `${setup}.headers on\n.mode ${mode}\n${query}`, to })
        }
        const to = outputOf(directory, `separator${times}`, table, 'csv')
        const input = `${setup}.headers on\n.mode csv\n.separator ; "\\n"\n${query}`
        run({ program: 'sqlite3', args: [':memory:'], input, to })
      }
    }
  },
}

/** The folder of the newest PostgreSQL server that Debian has installed. */
function postgresPrograms(): string | null {
  try {
    const [newest] = readdirSync('/usr/lib/postgresql').sort((a, b) => Number(b) - Number(a))
    return newest === undefined ? null : `/usr/lib/postgresql/${newest}/bin`
  } catch {
    return null
  }
}

const postgresql: Producer = {
  name: 'postgresql',
  missing: () => (postgresPrograms() === null ? 'no PostgreSQL server' : lacks('psql')),
  async write(tables, input, directory) {
    const programs = postgresPrograms() ?? ''
    const data = join(directory, '.data')
    mkdirSync(data, { mode: 0o777 })
    // The server refuses to run as root.
    const user = process.getuid?.() === 0 ? ['setpriv', '--reuid=postgres', '--regid=postgres', '--clear-groups'] : []
    if (user.length > 0) run({ program: 'chown', args: ['-R', 'postgres', data] })
    const as = (command: readonly string[]): Command => {
      const [program = '', ...args] = [...user, ...command]
      return { program, args, directory: '/' }
    }
    run(as([`${programs}/initdb`, '-D', data, '-A', 'trust', '-U', 'postgres', '-E', 'UTF8', '--locale=C.UTF-8']))
    const options = `-c listen_addresses='' -c unix_socket_directories=${data} -c timezone=UTC -c fsync=off`
    // Its log goes to a file: a pipe would stay open as long as the server runs.
    run(as([`${programs}/pg_ctl`, '-D', data, '-w', '-l', join(data, 'log'), '-o', options, 'start']))
    try {
      for (const table of tables) {
        const words = { text: 'text', seconds: 'bigint', real: 'real', boolean: 'boolean', texts: 'text[]' }
        const psql = (sql: string, args: readonly string[], to?: string) =>
          run({
            program: 'psql',
            args: ['-h', data, '-U', 'postgres', '-X', '-q', '-v', 'ON_ERROR_STOP=1', ...args],
            input: sql,
            ...(to === undefined ? {} : { to }),
          })
        psql(
          `DROP TABLE IF EXISTS t, raw; CREATE TABLE raw (doc text); CREATE TABLE t (${columnsOf(table, words)});\n` +
            `\\copy raw FROM '${join(input, `${table.type}.ndjson`)}' WITH (FORMAT csv, DELIMITER E'\\x01', QUOTE E'\\x02')\n` +
            `INSERT INTO t SELECT x.* FROM raw, json_to_record(doc::json) AS x(${columnsOf(table, words)});`,
          [],
        )
        for (const times of TIMES) {
          const query = `SELECT ${selection(table, times !== '', 'to_timestamp(time)')} FROM t`
          const copies = [
            ['csv', `COPY (${query}) TO STDOUT (FORMAT csv, HEADER)`, 'csv'],
            ['text', `COPY (${query}) TO STDOUT (FORMAT text, HEADER)`, 'tsv'],
            ['pipe', `COPY (${query}) TO STDOUT (FORMAT csv, HEADER, DELIMITER '|', FORCE_QUOTE *)`, 'csv'],
            ['json', `SELECT row_to_json(q) FROM (${query}) q`, 'ndjson'],
          ] as const
          for (const [dialect, sql, extension] of copies) {
            psql(`${sql};`, ['-A', '-t'], outputOf(directory, `${dialect}${times}`, table, extension))
          }
          psql(`${query};`, ['--csv'], outputOf(directory, `psql-csv${times}`, table, 'csv'))
        }
      }
    } finally {
      run(as([`${programs}/pg_ctl`, '-D', data, '-m', 'immediate', 'stop']))
      run({ program: 'rm', args: ['-rf', data] })
    }
  },
}

const mariadb: Producer = {
  name: 'mariadb',
  missing: () => lacks('mariadbd') ?? lacks('mariadb'),
  async write(tables, input, directory) {
    const data = join(directory, '.data')
    const socket = join(data, 'socket')
    run({ program: 'mariadb-install-db', args: [`--datadir=${data}`, '--auth-root-authentication-method=normal'] })
    const server = spawn(
      'mariadbd',
      [
        ...['--no-defaults', `--datadir=${data}`, `--socket=${socket}`, '--skip-networking', '--secure-file-priv='],
        ...['--character-set-server=utf8mb4', '--default-time-zone=+00:00', '--max-allowed-packet=256M'],
        ...(process.getuid?.() === 0 ? ['--user=root'] : []),
      ],
      { stdio: 'ignore' },
    )
    const client = ['--no-defaults', '-S', socket, '-u', 'root', '--default-character-set=utf8mb4']
    const sql = (input: string, args: readonly string[] = [], to?: string) =>
      run({ program: 'mariadb', args: [...client, ...args], input, ...(to === undefined ? {} : { to }) })
    try {
      await untilUp(() => sql('SELECT 1;'))
      sql('CREATE DATABASE exports;')
      for (const table of tables) {
        const words = { text: 'TEXT', seconds: 'BIGINT', real: 'DOUBLE', boolean: 'BOOLEAN', texts: 'JSON' }
        const paths = Object.entries(table.columns)
          .map(([name, kind]) => `${name} ${words[kind]} PATH '$.${name}'`)
          .join(', ')
        // What is null in JSON is the text `null` in a column of JSON.
        const values = Object.entries(table.columns)
          .map(([name, kind]) => (kind === 'texts' ? `NULLIF(${name}, 'null')` : name))
          .join(', ')
        sql(
          `USE exports; DROP TABLE IF EXISTS t; CREATE TABLE t (${columnsOf(table, words)});` +
            `INSERT INTO t SELECT ${values} FROM JSON_TABLE(LOAD_FILE('${join(input, `${table.type}.json`)}'), '$[*]' COLUMNS (${paths})) AS j;`,
        )
        const names = Object.keys(table.columns)
          .map((name) => `'${name}'`)
          .join(', ')
        for (const times of TIMES) {
          const query = `SELECT ${selection(table, times !== '', 'FROM_UNIXTIME(time)')} FROM t`
          const batch = outputOf(directory, `batch${times}`, table, 'tsv')
          sql(`USE exports; ${query};`, ['-B'], batch)
          for (const [dialect, how, extension] of [
            ['outfile', '', 'tsv'],
            ['outfile-quoted', `FIELDS TERMINATED BY ',' OPTIONALLY ENCLOSED BY '"'`, 'csv'],
          ] as const) {
            const to = outputOf(directory, `${dialect}${times}`, table, extension)
            sql(`USE exports; SELECT ${names} UNION ALL ${query} INTO OUTFILE '${to}' CHARACTER SET utf8mb4 ${how};`)
          }
        }
      }
    } finally {
      server.kill('SIGKILL')
      run({ program: 'rm', args: ['-rf', data] })
    }
  },
}

async function untilUp(ask: () => void): Promise<void> {
  for (let tries = 0; ; tries++) {
    try {
      return ask()
    } catch (error) {
      if (tries > 300) throw error
      await new Promise((resolve) => setTimeout(resolve, 100))
    }
  }
}

const miller: Producer = {
  name: 'miller',
  missing: () => lacks('mlr'),
  async write(tables, input, directory) {
    for (const table of tables) {
      const lists = Object.keys(table.columns).filter((name) => table.columns[name] === 'texts')
      const verb = lists.length === 0 ? ['cat'] : ['json-stringify', '-f', lists.join(',')]
      for (const [flag, extension] of [
        ['csv', 'csv'],
        ['tsv', 'tsv'],
        ['json', 'json'],
        ['jsonl', 'ndjson'],
      ] as const) {
        const to = outputOf(directory, flag, table, extension)
        const how = flag.startsWith('json') ? ['cat'] : verb
        run({ program: 'mlr', args: ['--ijsonl', `--o${flag}`, ...how, join(input, `${table.type}.ndjson`)], to })
      }
    }
  },
}

/** @param modules a folder with a `node_modules` that may hold DuckDB */
function duckdb(modules: string): Producer {
  const name = '@duckdb/node-api'
  return {
    name: 'duckdb',
    missing: () => lacksModule(modules, name),
    async write(tables, input, directory) {
      const { DuckDBInstance } = moduleOf(modules, name) as {
        readonly DuckDBInstance: {
          create(path: string): Promise<{ connect(): Promise<{ run(sql: string): Promise<unknown> }> }>
        }
      }
      const connection = await (await DuckDBInstance.create(':memory:')).connect()
      await connection.run("SET TimeZone = 'UTC'")
      for (const table of tables) {
        const words = {
          text: "'VARCHAR'",
          seconds: "'BIGINT'",
          real: "'FLOAT'",
          boolean: "'BOOLEAN'",
          texts: "'VARCHAR[]'",
        }
        const source = join(input, `${table.type}.ndjson`)
        await connection.run(
          `CREATE OR REPLACE TABLE t AS SELECT * FROM read_json('${source}', format = 'newline_delimited', ` +
            `columns = {${columnsOf(table, words, ': ')}})`,
        )
        for (const times of TIMES) {
          const query = `SELECT ${selection(table, times !== '', 'to_timestamp(time)')} FROM t`
          for (const [dialect, how, extension] of [
            ['csv', 'FORMAT csv, HEADER', 'csv'],
            ['pipe', "FORMAT csv, HEADER, DELIMITER '|'", 'csv'],
            ['json', 'FORMAT json', 'ndjson'],
            ['array', 'FORMAT json, ARRAY true', 'json'],
          ] as const) {
            const to = outputOf(directory, `${dialect}${times}`, table, extension)
            await connection.run(`COPY (${query}) TO '${to}' (${how})`)
          }
        }
      }
    },
  }
}

/** The Avro types of columns, nullable as in Braze's own schemas. */
const AVRO_TYPES: Readonly<Record<ColumnKind, unknown>> = {
  text: ['null', 'string'],
  seconds: 'int',
  real: ['null', 'float'],
  boolean: ['null', 'boolean'],
  texts: ['null', { type: 'array', items: 'string' }],
}

function writeSchemas(tables: readonly Table[], directory: string): void {
  mkdirSync(directory, { recursive: true })
  for (const { type, columns } of tables) {
    const at = type.lastIndexOf('.')
    const fields = Object.entries(columns).map(([name, kind]) => ({ name, type: AVRO_TYPES[kind] }))
    const schema = { type: 'record', name: type.slice(at + 1), namespace: `exports.${type.slice(0, at)}`, fields }
    writeFileSync(join(directory, `${type}.avsc`), JSON.stringify(schema))
  }
}

const pythonAvro: Producer = {
  name: 'avro-python',
  missing: () =>
    lacks('/usr/bin/python3') ??
    (spawnSync('/usr/bin/python3', ['-c', 'import avro'], { stdio: 'ignore' }).status === 0 ? null : 'no python3-avro'),
  async write(tables, input, directory) {
    writeSchemas(tables, join(directory, '.schemas'))
    for (const table of tables) {
      for (const codec of ['null', 'deflate']) {
        const to = outputOf(directory, codec, table, 'avro')
        const schema = join(directory, '.schemas', `${table.type}.avsc`)
        const source = join(input, `${table.type}.ndjson`)
        run({ program: '/usr/bin/python3', args: [join(SOURCES, 'write-avro.py'), schema, source, to, codec] })
      }
    }
    run({ program: 'rm', args: ['-rf', join(directory, '.schemas')] })
  },
}

const JAVA_LIBRARIES = ['avro', 'jackson-core', 'jackson-databind', 'jackson-annotations', 'slf4j-api', 'snappy-java']
/** Debian's Avro of Java is older, and needs the older Jackson beside the newer one. */
const JAVA_CLASS_PATH = [
  ...JAVA_LIBRARIES,
  'jackson-core-asl',
  'jackson-mapper-asl',
  'avro-guava-dependencies',
  'commons-compress',
]
  .map((name) => `/usr/share/java/${name}.jar`)
  .join(':')

const javaAvro: Producer = {
  name: 'avro-java',
  missing: () =>
    lacks('java') ??
    (spawnSync('ls', ['/usr/share/java/avro.jar'], { stdio: 'ignore' }).status === 0 ? null : 'no libavro-java'),
  async write(tables, input, directory) {
    writeSchemas(tables, join(directory, '.schemas'))
    for (const table of tables) {
      for (const codec of ['null', 'deflate', 'snappy']) {
        const to = outputOf(directory, codec, table, 'avro')
        const schema = join(directory, '.schemas', `${table.type}.avsc`)
        const source = join(input, `${table.type}.ndjson`)
        const program = join(SOURCES, 'WriteAvro.java')
        run({ program: 'java', args: ['-cp', JAVA_CLASS_PATH, program, schema, source, to, codec] })
      }
    }
    run({ program: 'rm', args: ['-rf', join(directory, '.schemas')] })
  },
}

function lacksModule(modules: string, name: string): string | null {
  try {
    createRequire(join(modules, 'package.json')).resolve(name)
    return null
  } catch {
    return `no ${name} in ${modules}: npm install ${name} there, and name the folder in --modules`
  }
}

function moduleOf(modules: string, name: string): unknown {
  return createRequire(join(modules, 'package.json'))(name)
}

/** @param modules a folder with a `node_modules` of producers from npm */
export function producersOf(modules: string): readonly Producer[] {
  return [sqlite, postgresql, mariadb, miller, duckdb(modules), pythonAvro, javaAvro]
}
