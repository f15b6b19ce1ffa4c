/**
 * The command that the user typed, with other paths: what advice repeats, so that it can be typed as it stands.
 * @param paths those that were given
 * @param instead what takes their place, as a shell takes it
 * @param eventType an event type that only the paths said; null for none
 */
export function ownCommand(
  paths: readonly string[],
  instead: string,
  eventType: string | null,
  typed: readonly string[] = process.argv.slice(2),
): string {
  const [command = 'replay', ...rest] = typed
  for (const path of paths) {
    const at = rest.indexOf(path)
    if (at >= 0) rest.splice(at, 1)
  }
  const hasType = eventType === null || rest.some((word) => /^--event-type(=|$)/.test(word))
  const words = [...rest, ...(hasType ? [] : ['--event-type', eventType])]
  return ['braze2amp', command, instead, ...words.map(shellQuoted)].join(' ')
}

/** A word as a shell takes it. */
export function shellQuoted(word: string): string {
  return /^[\w./+=@:,%-]+$/.test(word) ? word : `'${word.replaceAll("'", "'\\''")}'`
}
