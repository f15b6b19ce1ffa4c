/** The beginning of a text that may be too long for a message. */
export function excerpt(text: string, longest = 60): string {
  return text.length > longest ? `${text.slice(0, longest)}…` : text
}
