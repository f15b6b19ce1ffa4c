/**
 * Counts the rows of CSV behind its header in one simple pass, by the dialect's name for people; null where what is a row is a matter of
 * opinion: quotes in odd places, lone carriage returns, bytes that are no text, lines that only people would put there.
 */
export function rowsOf(bytes: Uint8Array, dialect: string): number | null {
  const text = new TextDecoder('utf-8', { ignoreBOM: true }).decode(bytes).replace(/^\ufeff/, '')
  if (text.includes('\ufffd') || text.includes('\0') || /^"?sep=/i.test(text)) return null
  const isQuoted = !dialect.includes('no quotes')
  const isEscaped = dialect.includes('backslash')
  const delimiter = { commas: ',', tabs: '\t', semicolons: ';', pipes: '|' }[dialect.split(',')[0] ?? '']
  if (delimiter === undefined) return null
  const rows: string[][] = []
  let row: string[] = []
  let field = ''
  let i = 0
  const endField = () => {
    row.push(field)
    field = ''
  }
  const endRow = () => {
    endField()
    // What is but an escaped line end is blank too.
    if (row.length > 1 || (row[0] ?? '').replaceAll('\\\n', '').trim() !== '') rows.push(row)
    row = []
  }
  while (i < text.length) {
    const c = text[i] as string
    if (c === '\\' && isEscaped && !isQuoted) {
      if (text[i + 1] === '\r') return null
      field += text.slice(i, i + 2)
      i += 2
    } else if (c === '"' && isQuoted) {
      if (field !== '') return null
      const end = endOfQuoted(text, i, isEscaped)
      if (end === null) return null
      field = text.slice(i, end)
      i = end
      const next = text[i]
      if (next !== undefined && next !== delimiter && next !== '\n' && next !== '\r') return null
    } else if (c === delimiter) {
      endField()
      i++
    } else if (c === '\n') {
      endRow()
      i++
    } else if (c === '\r') {
      const lineEnd = /^\r{1,2}\n/.exec(text.slice(i, i + 3))?.[0]
      if (lineEnd === undefined) return null
      endRow()
      i += lineEnd.length
    } else {
      field += c
      i++
    }
  }
  if (row.length > 0 || field !== '') endRow()
  const [header, ...records] = rows
  // The dialect is found by the rows, and the header before it: a backslash in that is a matter of opinion too.
  if (header === undefined || header.join('').includes('\\')) return null
  // The header again is no record.
  return records.filter((one) => JSON.stringify(one) !== JSON.stringify(header)).length
}

function endOfQuoted(text: string, start: number, isEscaped: boolean): number | null {
  for (let i = start + 1; i < text.length; i++) {
    if (isEscaped && text[i] === '\\') i++
    else if (text[i] === '"') {
      if (isEscaped || text[i + 1] !== '"') return i + 1
      i++
    }
  }
  return null
}
