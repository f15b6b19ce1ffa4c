/** The newest version of Currents whose event types and fields are all in the catalogue, and the month it came out in. */
export const CATALOGUE_VERSION = 12
const CATALOGUE_MONTH = '2026-09'

/** What the catalogue knows, for people: `Currents v12 of 2026-09`. */
export const CATALOGUE_NAME = `Currents v${CATALOGUE_VERSION} of ${CATALOGUE_MONTH}`
