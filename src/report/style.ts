import { Chalk, chalkStderr } from 'chalk'

/** Colours for standard error: none when it is no terminal, or when `NO_COLOR` is set (no-color.org). */
export const style = new Chalk({ level: process.env['NO_COLOR'] ? 0 : chalkStderr.level })
