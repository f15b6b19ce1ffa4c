/**
 * An Amplitude name made from an event type: the words after `users.`, `messages.` and `behaviors.`, so that
 * `users.messages.fax.SendFailure` is `Fax Send Failure` (src/README.md §3).
 */
export function typeWords(type: string): string {
  return type
    .replace(/^users\./, '')
    .replace(/^(messages|behaviors)\./, '')
    .split('.')
    .flatMap((part) => part.split(/[^A-Za-z0-9]+|(?<=[a-z0-9])(?=[A-Z])/))
    .filter((word) => word !== '')
    .map((word) => word[0]?.toUpperCase() + word.slice(1))
    .join(' ')
}
