// Imported before anything else (`node --import`): patches source files as they are loaded.
import { registerHooks } from 'node:module'
import { fileURLToPath } from 'node:url'
import { patched } from './mutant.ts'
import { MUTANTS } from './mutants.ts'

const name = process.env['HOLDPOINT_MUTANT']
const mutant = MUTANTS.find((one) => one.name === name)
if (mutant === undefined) throw new Error(`no deliberate bug is called ${name}`)
const patches = mutant.patches.map((patch) => ({ patch, path: fileURLToPath(new URL(`../../${patch.file}`, import.meta.url)) }))

registerHooks({
  load: (url, context, nextLoad) => {
    const loaded = nextLoad(url, context)
    if (!url.startsWith('file:')) return loaded
    const here = fileURLToPath(url)
    const fitting = patches.filter(({ path }) => path === here)
    if (fitting.length === 0) return loaded
    const source = typeof loaded.source === 'string' ? loaded.source : new TextDecoder().decode(loaded.source ?? new Uint8Array())
    return { ...loaded, source: fitting.reduce((text, { patch }) => patched(text, patch), source) }
  },
})
