import { registerHooks } from 'node:module'

/**
 * Deliberate bug for `node --import`: the store asks for synchronous NORMAL and believes it is FULL. No kill of a
 * process shows it; a power cut loses acknowledged commits.
 */
const FIND = 'SYNCHRONOUS_FULL = 2'
const REPLACE = 'SYNCHRONOUS_FULL = 1'

registerHooks({
  load: (url, context, nextLoad) => {
    const loaded = nextLoad(url, context)
    if (!url.endsWith('/src/store/sqlite/settings.ts')) return loaded
    const source = String(loaded.source)
    if (!source.includes(FIND)) throw new Error(`weaken-sync: ${url} no longer contains ${FIND}`)
    return { ...loaded, source: source.replace(FIND, REPLACE) }
  },
})
